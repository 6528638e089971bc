"""The hub's home: what a user may open, profile by profile, and whether it runs.

One server is behind all apps of a profile, so they are shown, and stopped, together. The page asks
for `states` every few seconds.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from jupyterhub.handlers import BaseHandler
from jupyterhub.handlers.pages import HomeHandler
from jupyterhub.user import User
from tornado.web import HTTPError, authenticated

from slipway_hub.profiles import OPTION, Profiles
from slipway_hub.routes import server_for
from slipway_hub.settings import HubSettings, ProfileSettings

STATES = "slipway-states"
"""Below /hub/: the state of each profile, as JSON."""
STOP = "slipway-stop"
"""Below /hub/: where the form beside a profile goes."""

WORDS = {
    "running": "Running",
    "starting": "Starting",
    "stopping": "Stopping",
    "stopped": "Stopped",
}
"""The states of a profile, and what the page says."""


@dataclass(frozen=True)
class Card:
    """Something to open: a route, or a profile that no route lands in."""

    title: str
    icon: str
    """A `data:` URI."""
    href: str
    shared: str | None
    """What to send to a colleague, from the hub's host on."""


@dataclass(frozen=True)
class Section:
    profile: ProfileSettings
    state: str
    cards: tuple[Card, ...]


class Home:
    """What the page shows a user."""

    def __init__(self, settings: HubSettings) -> None:
        self._settings = settings
        self._profiles = Profiles(settings)
        self._icons = {
            name: f"data:image/svg+xml,{quote(svg)}" for name, svg in settings.icons.items()
        }

    def sections(self, user: Any, base_url: str) -> list[Section]:
        """The profiles that the user may launch, in the catalog's order."""
        return [
            Section(profile, self.state(user, profile), tuple(self._cards(user, profile, base_url)))
            for profile in self._profiles.allowed(user)
        ]

    def states(self, user: Any) -> dict[str, str]:
        return {profile.slug: self.state(user, profile) for profile in self._profiles.allowed(user)}

    def state(self, user: Any, profile: ProfileSettings) -> str:
        spawner = self.spawner(user, profile)
        if spawner is None:
            return "stopped"
        if spawner.pending:
            return "starting" if spawner.pending == "spawn" else "stopping"
        return "running" if spawner.ready else "stopped"

    def spawner(self, user: Any, profile: ProfileSettings) -> Any | None:
        """The user's spawner that runs the profile, starts or stops it; None if there is none."""
        spawner = user.spawners.get(self._server(user, profile))
        if not spawner or not spawner.active:
            return None
        return spawner if spawner.user_options.get(OPTION) == profile.slug else None

    def _server(self, user: Any, profile: ProfileSettings) -> str:
        return server_for(user, profile.slug, self._settings.server(profile.slug))

    def _cards(self, user: Any, profile: ProfileSettings, base_url: str) -> list[Card]:
        routes = [route for route in self._settings.routes if route.profile == profile.slug]
        cards = [
            Card(route.title, self._icons.get(route.icon, ""), route.path, route.path)
            for route in routes
        ]
        if not any(route.target == profile.default_url for route in routes):
            spawn = f"{base_url}spawn/{user.escaped_name}/{self._server(user, profile)}".rstrip("/")
            href = f"{spawn}?opt-{OPTION}={profile.slug}"
            cards.insert(0, Card(profile.title, self._icons.get(profile.icon, ""), href, None))
        return cards


class HomePage(HomeHandler):  # type: ignore[misc]
    """JupyterHub's home page with the profiles above its own list of servers."""

    def initialize(self, home: Home) -> None:
        self.home = home

    @property
    def template_namespace(self) -> dict[str, Any]:
        namespace: dict[str, Any] = super().template_namespace
        if isinstance(self.current_user, User):
            namespace["sections"] = self.home.sections(self.current_user, self.hub.base_url)
        return namespace | {"words": WORDS, "states": STATES, "stop": STOP}


class StatesHandler(BaseHandler):  # type: ignore[misc]
    def initialize(self, home: Home) -> None:
        self.home = home

    def get(self) -> None:
        """`{"vscode": "running", …}`. 403 instead of a login page, which a script cannot use."""
        if not isinstance(self.current_user, User):
            raise HTTPError(403)
        self.set_header("Cache-Control", "no-store")
        self.set_header("Content-Type", "application/json")
        self.finish(self.home.states(self.current_user))


class StopHandler(BaseHandler):  # type: ignore[misc]
    """Stops the user's server that runs a profile, and redirects to the home page."""

    def initialize(self, home: Home, hub_settings: HubSettings) -> None:
        self.home, self.hub_settings = home, hub_settings

    @authenticated  # type: ignore[untyped-decorator]
    async def post(self, slug: str) -> None:
        user, profile = self.current_user, self.hub_settings.profile(slug)
        if profile is None or not isinstance(user, User):
            raise HTTPError(404, "There is no such profile.")
        if spawner := self.home.spawner(user, profile):
            if not self.has_scope(f"delete:servers!server={user.name}/{spawner.name}"):
                raise HTTPError(403, "You may not stop your servers here.")
            if spawner.pending == "spawn":
                raise HTTPError(409, f"{profile.title} is still starting: stop it once it runs.")
            if not spawner.pending:
                await self.stop_single_user(user, spawner.name)
        self.redirect(f"{self.hub.base_url}home", status=303)


def handlers(settings: HubSettings) -> list[Any]:
    home = Home(settings)
    return [
        (r"/home", HomePage, {"home": home}),
        (rf"/{STATES}", StatesHandler, {"home": home}),
        (rf"/{STOP}/([^/]+)", StopHandler, {"home": home, "hub_settings": settings}),
    ]
