"""The app kinds. A new kind is a new module here, and an icon in `icons/`; nothing lists them."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import Field

from slipway.model.apps.base import App, Requirement, ServerProcess, WebsocketProbe, literal
from slipway.model.apps.jupyter import JupyterLab

ICONS = Path(__file__).with_name("icons")
"""An SVG for each kind, by its name."""


def _kinds(parent: type[App]) -> Iterator[tuple[str, type[App]]]:
    """The subclasses whose `kind` is one literal. Others are bases of several kinds."""
    for app in parent.__subclasses__():
        annotation: Any = app.model_fields["kind"].annotation
        if get_origin(annotation) is Literal:
            yield get_args(annotation)[0], app
        yield from _kinds(app)


for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

KINDS = dict(sorted(_kinds(App)))
"""Classes by the `kind` that a catalog writes."""

if TYPE_CHECKING:
    AnyApp = App
else:
    AnyApp = Annotated[Union[tuple(KINDS.values())], Field(discriminator="kind")]  # noqa: UP007

__all__ = [
    "ICONS",
    "KINDS",
    "AnyApp",
    "App",
    "JupyterLab",
    "Requirement",
    "ServerProcess",
    "WebsocketProbe",
    "literal",
]
