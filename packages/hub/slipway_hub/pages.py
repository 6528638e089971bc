"""Pages of our own below /hub/.

They come with the authenticator: JupyterHub's one extension point for pages that is not deprecated
and needs no process and port of its own. Its pages win over JupyterHub's of the same path.
"""

from pathlib import Path
from typing import Any

from traitlets.utils.importstring import import_item

from slipway_hub import health, home, routes, running, sharing, spawn_page, theme
from slipway_hub.auth import LOGINS
from slipway_hub.settings import READY, HubSettings

TEMPLATES = Path(__file__).with_name("templates")


def configure(c: Any, settings: HubSettings) -> None:
    c.JupyterHub.template_paths = [str(TEMPLATES)]
    own = [
        *routes.handlers(),
        *home.handlers(settings),
        *sharing.handlers(settings),
        *running.handlers(settings),
        (rf"/{READY}", health.Ready, {"state": settings.state}),
        *((path, spawn_page.SpawnPage, {"hub_settings": settings}) for path in spawn_page.PATHS),
    ]
    c.JupyterHub.authenticator_class = _with_handlers(
        import_item(LOGINS[settings.auth["kind"]].authenticator), own, theme.variables(settings)
    )


def _with_handlers(authenticator: Any, handlers: list[Any], variables: dict[str, Any]) -> Any:
    class WithPages(authenticator):  # type: ignore[misc]
        def get_handlers(self, app: Any) -> list[Any]:
            # Not by configuration: an announcement in `extra_config` would put itself in its place.
            app.tornado_settings["template_vars"] = {**variables, **app.template_vars}
            return [*super().get_handlers(app), *handlers]

    # What the configuration calls it by.
    WithPages.__name__ = authenticator.__name__
    return WithPages
