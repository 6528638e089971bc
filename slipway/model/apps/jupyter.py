from typing import ClassVar, Literal

from slipway.model.apps.base import App


class JupyterLab(App):
    """JupyterLab, served by the user's server itself."""

    kind: Literal["jupyterlab"]
    launcher: Literal[False] = False
    """JupyterLab is where the launcher is."""

    default_title: ClassVar[str] = "JupyterLab"
    icon: ClassVar[str] = "jupyterlab"

    def url_path(self, name: str) -> str:
        return "/lab"


class Notebook(App):
    """Notebook 7, served by the user's server itself."""

    kind: Literal["notebook"]
    launcher: Literal[False] = False
    """JupyterLab's View menu opens it."""

    default_title: ClassVar[str] = "Notebook"
    icon: ClassVar[str] = "notebook"

    def url_path(self, name: str) -> str:
        return "/tree"
