"""Pages of our own below /hub/, and the title and logo of all pages.

They come with the authenticator: JupyterHub's one extension point for pages that is not deprecated
and needs no process and port of its own. Its pages win over JupyterHub's of the same path.
"""

import base64
import os
from pathlib import Path
from typing import Any

from traitlets.utils.importstring import import_item

from slipway_hub import health, home, revocation, routes, running, sharing, spawn_page, user_api
from slipway_hub.accounts import one_user_per_account
from slipway_hub.auth import LOGINS
from slipway_hub.settings import READY, HubSettings

TEMPLATES = Path(__file__).with_name("templates")
LOGO_SUFFIXES = {"image/svg+xml": ".svg", "image/png": ".png"}


def configure(c: Any, settings: HubSettings) -> None:
    c.JupyterHub.template_paths = [str(TEMPLATES)]
    if settings.logo:
        c.JupyterHub.logo_file = str(write_logo(Path(settings.state), settings.logo))
    own = [
        *routes.handlers(),
        *home.handlers(settings),
        *sharing.handlers(settings),
        *running.handlers(settings),
        *user_api.handlers(),
        *revocation.handlers(),
        (rf"/{READY}", health.Ready, {"state": settings.state}),
        *((path, spawn_page.SpawnPage, {"hub_settings": settings}) for path in spawn_page.PATHS),
    ]
    authenticator = one_user_per_account(
        import_item(LOGINS[settings.auth["kind"]].authenticator), settings
    )
    authenticator = revocation.with_revocation(authenticator, settings)
    c.JupyterHub.authenticator_class = _with_handlers(authenticator, own, settings.title)


def write_logo(state: Path, uri: str) -> Path:
    """The logo as the file that JupyterHub serves; its suffix is what browsers go by."""
    media_type, _, content = uri.removeprefix("data:").partition(";base64,")
    file = state / f"logo{LOGO_SUFFIXES[media_type]}"
    partial = state / f".{file.name}.{os.getpid()}"
    partial.write_bytes(base64.b64decode(content))
    partial.replace(file)
    return file


def _with_handlers(authenticator: Any, handlers: list[Any], title: str) -> Any:
    class WithPages(authenticator):  # type: ignore[misc]
        def get_handlers(self, app: Any) -> list[Any]:
            # Not by configuration: an announcement in `extra_config` would put itself in its place.
            app.tornado_settings["template_vars"] = {"hub_title": title, **app.template_vars}
            return [*super().get_handlers(app), *handlers]

    # What the configuration calls it by.
    WithPages.__name__ = authenticator.__name__
    return WithPages
