from typing import ClassVar, Literal

from slipway.model.apps.activity import Activity
from slipway.model.apps.base import App, Requirement, ServerProcess, literal
from slipway.model.base import Text


class Streamlit(App):
    """A Streamlit application (https://docs.streamlit.io)."""

    kind: Literal["streamlit"]
    script: Text = "streamlit/app.py"
    """The script to run, relative to the home."""

    default_title: ClassVar[str] = "Streamlit"
    icon: ClassVar[str] = "streamlit"
    usual_activity: ClassVar[Activity] = Activity(
        heartbeats=(r"/_stcore/(health|host-config)$", r"^/static/"), websocket="input"
    )

    def server_process(self, name: str) -> ServerProcess:
        return ServerProcess(
            command=(
                "streamlit",
                "run",
                literal(self.script),
                "--server.port={port}",
                "--server.address=127.0.0.1",
                "--server.headless=true",
                # JupyterHub has authenticated the request, and the proxy changes its origin.
                "--server.enableCORS=false",
                "--server.enableXsrfProtection=false",
                "--browser.gatherUsageStats=false",
            ),
            requires=Requirement("streamlit", "pip install streamlit"),
            needs_file=self.script,
        )
