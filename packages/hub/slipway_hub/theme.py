"""Title and logo of the hub's pages, as the environment file gives them."""

import base64
import os
from pathlib import Path
from typing import Any

from slipway_hub.settings import HubSettings

_SUFFIXES = {"image/svg+xml": ".svg", "image/png": ".png"}


def configure(c: Any, settings: HubSettings) -> None:
    if settings.logo:
        c.JupyterHub.logo_file = str(write_logo(Path(settings.state), settings.logo))


def write_logo(state: Path, uri: str) -> Path:
    """The logo as the file that JupyterHub serves; its suffix is what browsers go by."""
    media_type, _, content = uri.removeprefix("data:").partition(";base64,")
    file = state / f"logo{_SUFFIXES[media_type]}"
    partial = state / f".{file.name}.{os.getpid()}"
    partial.write_bytes(base64.b64decode(content))
    partial.replace(file)
    return file


def variables(settings: HubSettings) -> dict[str, Any]:
    """Variables of the templates."""
    return {"hub_title": settings.title}
