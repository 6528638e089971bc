"""JupyterHub's spawn page, which asks first where something else may be meant.

While the server runs another profile than the wanted one, JupyterHub itself would show that one and
say nothing. At a link on another website it would start what somebody else has chosen.
"""

from typing import Any
from urllib.parse import urlsplit

from jupyterhub.handlers.pages import SpawnHandler

from slipway_hub.profiles import OPTION, Profiles
from slipway_hub.settings import HubSettings

PATHS = (r"/spawn", r"/spawn/([^/]+)", r"/spawn/([^/]+)/([^/]+)")
"""JupyterHub's own."""


def comes_from_elsewhere(request: Any) -> bool:
    """Whether a page of another origin has sent the browser here, be it by way of redirects.

    https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header; browsers send it over HTTPS and to
    the own machine. Elsewhere the page's address has to do, if the browser tells it.
    """
    if site := request.headers.get("Sec-Fetch-Site"):
        return site not in ("same-origin", "none")
    referer = request.headers.get("Referer")
    try:
        return bool(referer) and urlsplit(referer).netloc != request.host
    except ValueError:
        return True


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
        if user and comes_from_elsewhere(self.request):
            own = user_name in (None, user.name)
            spawner = user.spawners.get(server_name) if own else None
            starts = not (spawner and spawner.active)
            if starts and not self.authenticator.has_just_logged_in(user.name):
                await self._ask_first(requested)
                return
        # It returns None when it has redirected already.
        if (answer := super().get(user_name, server_name)) is not None:
            await answer

    async def _ask_first(self, requested: str | None) -> None:
        profile = self.hub_settings.profile(requested) if requested else None
        self.set_status(403)
        self.set_header("Cache-Control", "no-store")
        page = await self.render_template(
            "slipway_start.html",
            wanted=profile.title if profile else "a server",
            here=self.request.uri,
        )
        self.finish(page)

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
