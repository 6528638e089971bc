"""The app kinds. A new kind is a new file here and a name in `AnyApp`."""

from typing import Annotated

from pydantic import Field

from slipway.model.apps.base import App, Requirement, ServerProcess, literal
from slipway.model.apps.code_server import CodeServer
from slipway.model.apps.command import Command
from slipway.model.apps.jupyter import JupyterLab, Notebook
from slipway.model.apps.port import Port
from slipway.model.apps.rstudio import RStudio
from slipway.model.apps.shiny import Shiny
from slipway.model.apps.streamlit import Streamlit
from slipway.model.apps.tensorboard import TensorBoard

AnyApp = Annotated[
    CodeServer | Command | JupyterLab | Notebook | Port | RStudio | Shiny | Streamlit | TensorBoard,
    Field(discriminator="kind"),
]

__all__ = ["AnyApp", "App", "JupyterLab", "Requirement", "ServerProcess", "literal"]
