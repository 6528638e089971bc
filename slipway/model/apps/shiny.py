import json
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from slipway.model.apps.activity import Activity
from slipway.model.apps.base import App, Requirement, ServerProcess, WebsocketProbe, literal
from slipway.model.base import Text


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
        # The folder and port travel as arguments, so that no name can become R code.
        script = (
            "a <- commandArgs(TRUE); "
            "shiny::runApp(a[1], host = '127.0.0.1', port = as.integer(a[2]))"
        )
        return ServerProcess(
            command=("Rscript", "-e", script, literal(self.folder), "{port}"),
            requires=Requirement("Rscript", "install R and its package shiny (r-cran-shiny)"),
            needs_file=f"{self.folder}/app.R",
        )

    def websocket_probe(self) -> WebsocketProbe:
        hello = json.dumps({"method": "init", "data": {}})
        return WebsocketProbe("websocket/", hello, _session_state)


def _session_state(messages: Sequence[bytes]) -> str | None:
    return "the session was configured" if "config" in json.loads(messages[-1]) else None
