"""Routes: stable paths of the hub that land a user in an app of the right profile.

The proxy sends `/code/…` to the hub, which redirects to `/hub/user-redirect/code/…`. There
JupyterHub asks for a login if it must, and `Routes.destination` answers where to go: straight into
the app, or to a spawn of the route's profile that continues there. Nothing but a path below one of
the user's own servers is ever answered. See docs/decisions/0002-routes.md.
"""

from typing import Any
from urllib.parse import unquote, urlencode

from jupyterhub.handlers import BaseHandler
from tornado.web import HTTPError

from slipway_hub.profiles import OPTION, Profiles
from slipway_hub.settings import HubSettings, RouteSettings

HUB_PREFIX = "slipway-route"
"""Below /hub/: where the proxy sends the paths outside /hub/ that are routes."""

PORTS = "proxy"
"""`/proxy/8080` and `/hub/proxy/8080` lead to that port of the user's own server."""


class Routes:
    def __init__(self, settings: HubSettings) -> None:
        self._routes = sorted(settings.routes, key=lambda route: -len(route.path))
        self._server = settings.server
        self._profiles = Profiles(settings)

    def destination(self, path: str, request: Any, user: Any, base_url: str) -> str | None:
        """JupyterHub's `user_redirect_hook`: where `/hub/user-redirect/<path>` leads.

        None leaves it to JupyterHub, which shows the form to choose a profile.
        """
        # `path` was decoded; the raw one keeps what the user wrote, %2F and all.
        raw = request.path.partition("/user-redirect")[2].lstrip("/")
        refuse_escapes(raw)
        query = f"?{request.query}" if request.query else ""
        slug, server, target = self._wanted(raw, user)
        landing = f"{user.server_url(server)}{target}{query}"
        spawner = user.spawners.get(server)
        if spawner and spawner.ready:
            return landing
        if slug is None:
            return None
        spawn = f"{base_url}hub/spawn/{user.escaped_name}/{server}".rstrip("/")
        return f"{spawn}?{urlencode({f'opt-{OPTION}': slug, 'next': landing})}"

    def _wanted(self, raw: str, user: Any) -> tuple[str | None, str, str]:
        """The profile to run (None to let them choose), its server, the path below that server."""
        route, rest = self._match(raw)
        if route is None:
            last = user.spawners[""].user_options.get(OPTION)
            profile = self._profiles.starting(user, last)
            return profile.slug if profile else None, "", raw
        target = route.target.lstrip("/")
        if rest and not target.endswith("/"):
            target += "/"
        server = server_for(user, route.profile, self._server(route.profile))
        return route.profile, server, target + rest

    def _match(self, raw: str) -> tuple[RouteSettings | None, str]:
        for route in self._routes:
            own = route.path.lstrip("/")
            if raw == own or raw.startswith(f"{own}/"):
                return route, raw[len(own) :].lstrip("/")
        return None, ""


def server_for(user: Any, profile: str, named: str) -> str:
    """The user's server for a profile: the one that runs it, the default one if it is free,
    else the profile's own `named` server, beside whatever else is running."""
    for server in ("", named):
        # .get: asking for a named server with [] would create it.
        spawner = user.spawners.get(server)
        if spawner and spawner.active and spawner.user_options.get(OPTION) == profile:
            return server
    return named if user.spawners[""].active else ""


def refuse_escapes(raw: str) -> None:
    """A path that a browser would resolve to something outside the app is not one of ours."""
    segments = unquote(raw).replace("\\", "/").split("/")
    if ".." in segments or "." in segments:
        raise HTTPError(400, "A path with . or .. segments leads nowhere here.")


class ToUserRedirect(BaseHandler):  # type: ignore[misc]
    """`<prefix>/code/x?a=1` to `/hub/user-redirect/code/x?a=1`, nowhere else."""

    def initialize(self, prefix: str, keep: str = "") -> None:
        self.prefix, self.keep = prefix, keep

    def get(self) -> None:
        rest = self.request.path.partition(self.prefix)[2].lstrip("/")
        refuse_escapes(rest)
        query = f"?{self.request.query}" if self.request.query else ""
        self.redirect(f"{self.hub.base_url}user-redirect/{self.keep}{rest}{query}")

    head = get


def handlers() -> list[Any]:
    """Below /hub/: what the proxy sends here, and `/hub/proxy/8080`."""
    return [
        (rf"/{HUB_PREFIX}/.*", ToUserRedirect, {"prefix": f"/{HUB_PREFIX}/"}),
        (rf"/{PORTS}/.*", ToUserRedirect, {"prefix": f"/{PORTS}/", "keep": f"{PORTS}/"}),
    ]


def configure(c: Any, settings: HubSettings) -> None:
    c.JupyterHub.user_redirect_hook = Routes(settings).destination
    # After a login, and at "/": the server that ran last, or the default profile.
    c.JupyterHub.default_url = "/hub/user-redirect/"
    target = f"{settings.addresses.hub_connect_url}/hub/{HUB_PREFIX}"
    paths = [route.path for route in settings.routes]
    c.Proxy.extra_routes = {f"{path}/": target for path in (*paths, f"/{PORTS}")}
