from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from pydantic import model_validator

from slipway.model.apps.activity import Activity
from slipway.model.apps.base import App
from slipway.model.base import refuse


class _Jupyter(App):
    """Served by the user's server itself."""

    trusted_with_credentials: Literal[False] = False
    """It has them: it is what the user has logged in to."""

    is_jupyter: ClassVar[bool] = True

    @model_validator(mode="after")
    def _has_heartbeats_alone(self) -> Self:
        if self.activity != Activity(heartbeats=self.activity.heartbeats):
            raise refuse(
                "what is work in Jupyter is known, but for paths that extensions ask for",
                "keep activity.heartbeats alone",
            )
        return self


class JupyterLab(_Jupyter):
    """JupyterLab, served by the user's server itself."""

    kind: Literal["jupyterlab"]
    launcher: Literal[False] = False
    """JupyterLab is where the launcher is."""

    default_title: ClassVar[str] = "JupyterLab"
    packages: ClassVar[Mapping[str, str]] = {"jupyterlab": "JupyterLab"}

    def url_path(self, name: str) -> str:
        return "/lab"


class Notebook(_Jupyter):
    """Notebook 7, served by the user's server itself."""

    kind: Literal["notebook"]
    launcher: Literal[False] = False
    """JupyterLab's View menu opens it."""

    default_title: ClassVar[str] = "Notebook"
    packages: ClassVar[Mapping[str, str]] = {"notebook": "Notebook"}

    def url_path(self, name: str) -> str:
        return "/tree"
