"""JupyterHub's spawn page, which asks when the server runs another profile than the wanted one.

JupyterHub itself would show the one that runs and say nothing.
"""

from typing import Any

from jupyterhub.handlers.pages import SpawnHandler

from slipway_hub.profiles import OPTION, Profiles
from slipway_hub.settings import HubSettings

PATHS = (r"/spawn", r"/spawn/([^/]+)", r"/spawn/([^/]+)/([^/]+)")
"""JupyterHub's own."""


class SpawnPage(SpawnHandler):  # type: ignore[misc]
    def initialize(self, hub_settings: HubSettings) -> None:
        self.hub_settings = hub_settings

    async def get(self, user_name: str | None = None, server_name: str = "") -> None:
        requested = self.get_query_argument(f"opt-{OPTION}", None)
        user = self.current_user
        # Nobody's, or somebody else's server is for JupyterHub to show or to refuse.
        if requested and user and user_name in (None, user.name):
            spawner = user.spawners.get(server_name)
            running = spawner.user_options.get(OPTION) if spawner and spawner.active else None
            if running not in (None, requested):
                await self._show_other_profile(spawner, running, requested)
                return
        # It returns None when it has redirected already.
        if (answer := super().get(user_name, server_name)) is not None:
            await answer

    async def _show_other_profile(self, spawner: Any, running: str, requested: str) -> None:
        """Raises HTTPError 400 or 403 for a profile that the user could not start anyway."""
        user = self.current_user
        wanted = Profiles(self.hub_settings).choose(user, requested)
        runs = self.hub_settings.profile(running)
        self.set_status(409)
        page = await self.render_template(
            "slipway_other_profile.html",
            running=runs.title if runs else running,
            wanted=wanted.title,
            running_url=user.server_url(spawner.name),
            beside_url=f"{self.hub.base_url}spawn/{user.escaped_name}/{self.hub_settings.server(wanted.slug)}"
            f"?opt-{OPTION}={wanted.slug}",
        )
        self.finish(page)
