from typing import ClassVar, Literal

from slipway.model.apps.activity import Activity
from slipway.model.apps.base import App, Requirement, ServerProcess, literal
from slipway.model.base import Text


class Shiny(App):
    """An R Shiny application (https://shiny.posit.co)."""

    kind: Literal["shiny"]
    folder: Text = "shiny"
    """The folder that holds `app.R`, relative to the home."""

    default_title: ClassVar[str] = "Shiny"
    icon: ClassVar[str] = "shiny"
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
