import json
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from slipway.model.apps.activity import Activity
from slipway.model.apps.base import App, Requirement, ServerProcess, WebsocketProbe, literal
from slipway.model.base import Text
from slipway.untrusted import parse_json


class Shiny(App):
    """An R Shiny application (https://shiny.posit.co)."""

    kind: Literal["shiny"]
    folder: Text = "shiny"
    """The folder that holds `app.R`, relative to the home."""

    default_title: ClassVar[str] = "Shiny"
    packages: ClassVar[Mapping[str, str]] = {"r-cran-shiny": "Shiny", "r-base-core": "R"}
    lacked_by_laptops: ClassVar[bool] = True
    # A page may show something new every second that nobody looks at.
    usual_activity: ClassVar[Activity] = Activity(websocket="input")

    def server_process(self, name: str) -> ServerProcess:
        # Folder and socket travel as arguments, so that no name can become R code. Shiny checks no
        # origins: a port would answer every page that the user visits.
        script = (
            "a <- commandArgs(TRUE); "
            "shiny::runApp(a[1], port = structure(a[2], mask = strtoi('177', 8L)))"
        )
        return ServerProcess(
            command=("Rscript", "-e", script, literal(self.folder), "{unix_socket}"),
            unix_socket=True,
            requires=Requirement("Rscript", "install R and its package shiny (r-cran-shiny)"),
            needs_file=f"{self.folder}/app.R",
        )

    def websocket_probe(self) -> WebsocketProbe:
        hello = json.dumps({"method": "init", "data": {}})
        return WebsocketProbe("websocket/", hello, _session_state)


def _session_state(messages: Sequence[bytes]) -> str | None:
    return "the session was configured" if "config" in parse_json(messages[-1]) else None
