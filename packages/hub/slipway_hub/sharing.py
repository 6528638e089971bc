"""Links that bring a colleague to the place in an app where a user is.

`/user/ada/code/?folder=/data` becomes `/code?folder=/data`: the route's own path, which lands
whoever opens it in a server of theirs. Tokens and passwords in the address are left out.
"""

import re
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from jupyterhub.handlers import BaseHandler
from jupyterhub.user import User
from tornado.web import HTTPError, authenticated

from slipway_hub import credentials
from slipway_hub.profiles import OPTION
from slipway_hub.routes import PORTS, refuse_escapes
from slipway_hub.settings import HubSettings, RouteSettings

SHARE = "share"
"""Below /hub/."""

LONGEST = 4000
"""Characters of an address."""
_MOST_DECODINGS = 5

_PATH_CHARACTERS = "/%:@!$&'()*+,;=~-._"
_QUERY_CHARACTERS = _PATH_CHARACTERS + "?[]"


class NotShareable(Exception):  # noqa: N818  (reads as what it is where it is caught)
    """The address is not below a server of the user's; the message says what to give instead."""


class Sharing:
    def __init__(self, settings: HubSettings) -> None:
        self._settings = settings

    def link(self, address: str, user: Any, hosts: set[str], base_url: str) -> str:
        """The path and query of the link, below the hub's host. Raises NotShareable.

        `hosts` are what the hub is known by; `base_url` is the hub's, `/hub/`.
        """
        parts = _parsed(address)
        if (parts.scheme or parts.netloc) and _host(parts) not in {h.lower() for h in hosts}:
            raise NotShareable("This is not an address of this hub. Copy one from an app of yours.")
        server, rest = self._below_own_server(parts.path, user)
        path = self._stable(server, rest, user, base_url)
        query = _without_secrets(parts.query)
        return quote(path, safe=_PATH_CHARACTERS) + (f"?{query}" if query else "")

    def _below_own_server(self, path: str, user: Any) -> tuple[str, str]:
        """Name of the server, and the path below it as it was written."""
        own = unquote(urlsplit(user.url).path).strip("/").split("/")
        segments = path.lstrip("/").split("/")
        if [unquote(segment) for segment in segments[: len(own)]] != own:
            raise NotShareable(
                "This is not below a server of yours. Open the app and copy its address from there."
            )
        rest = segments[len(own) :]
        named = {self._settings.server(profile.slug) for profile in self._settings.profiles}
        if rest and unquote(rest[0]) in named:
            return unquote(rest[0]), "/".join(rest[1:])
        return "", "/".join(rest)

    def _stable(self, server: str, rest: str, user: Any, base_url: str) -> str:
        rest = rest.lstrip("/")
        if found := self._route(rest, self._profile(server, user)):
            route, below = found
            return f"{route.path}/{below}" if below else route.path
        if rest.startswith("oauth_callback") or server:
            raise NotShareable("No route leads here: an administrator can add one to the catalog.")
        return f"/{rest}" if rest.startswith(f"{PORTS}/") else f"{base_url}user-redirect/{rest}"

    def _profile(self, server: str, user: Any) -> str | None:
        """The profile of one of the user's servers: the default server has any."""
        for profile in self._settings.profiles:
            if server == self._settings.server(profile.slug):
                return profile.slug
        slug: str | None = user.spawners[""].user_options.get(OPTION)
        return slug

    def _route(self, rest: str, profile: str | None) -> tuple[RouteSettings, str] | None:
        """The closest route, of that profile if it has one, and what is below it."""
        routes = self._settings.routes
        for route in sorted(routes, key=lambda r: (r.profile != profile, -len(r.target))):
            own = route.target.strip("/")
            if rest == own or rest.startswith(f"{own}/"):
                return route, rest[len(own) :].lstrip("/")
        return None


def _parsed(address: str) -> Any:
    address = address.strip()
    if not address:
        raise NotShareable("Paste the address of an app of yours.")
    if len(address) > LONGEST:
        raise NotShareable(f"An address has at most {LONGEST} characters here.")
    if re.search(r"[\x00-\x20\x7f\\]", address):
        raise NotShareable("An address has no blanks, backslashes or control characters.")
    try:
        parts = urlsplit(address)
        refuse_escapes(parts.path)
        parts.port  # noqa: B018  (checked when it is asked for)
    except ValueError as error:
        raise NotShareable("This is not an address.") from error
    except HTTPError as error:
        raise NotShareable(str(error.log_message)) from error
    if parts.scheme not in ("", "http", "https"):
        raise NotShareable("An address begins with https://.")
    return parts


def _host(parts: Any) -> str:
    """Host and port of an address as a browser sends them: without the default port."""
    host: str = parts.netloc.lower()
    default = {"http": ":80", "https": ":443"}.get(parts.scheme, "")
    return host.removesuffix(default) if default else host


def _without_secrets(query: str) -> str:
    kept = [parameter for parameter in query.split("&") if parameter and not _is_secret(parameter)]
    return quote("&".join(kept), safe=_QUERY_CHARACTERS)


def _is_secret(parameter: str) -> bool:
    """Also when it is inside another address; what is encoded over and over hides something."""
    decoded = parameter
    for _ in range(_MOST_DECODINGS):
        if credentials.are_in(decoded):
            return True
        before, decoded = decoded, unquote(decoded)
        if decoded == before:
            return False
    return True


class SharePage(BaseHandler):  # type: ignore[misc]
    """A form for an address, and the link that it becomes."""

    def initialize(self, hub_settings: HubSettings) -> None:
        self.hub_settings = hub_settings

    @authenticated  # type: ignore[untyped-decorator]
    async def get(self) -> None:
        if not isinstance(self.current_user, User):
            raise HTTPError(403)
        address = self.get_argument("url", "")
        link = problem = ""
        if address:
            try:
                link = self._link(address)
            except NotShareable as refusal:
                self.set_status(400)
                problem = str(refusal)
        self.set_header("Cache-Control", "no-store")
        page = await self.render_template(
            "slipway_share.html", share=SHARE, address=address, link=link, problem=problem
        )
        self.finish(page)

    post = get  # The form's method: what is pasted may hold a token, and addresses are logged.

    def _link(self, address: str) -> str:
        public, request = self.hub_settings.addresses.public_url, self.request
        own_url = self.current_user.url
        hosts = {request.host, urlsplit(public).netloc, urlsplit(own_url).netloc} - {""}
        sharing = Sharing(self.hub_settings)
        path = sharing.link(address, self.current_user, hosts, self.hub.base_url)
        return (public.rstrip("/") or f"{request.protocol}://{request.host}") + path


def handlers(settings: HubSettings) -> list[Any]:
    return [(rf"/{SHARE}", SharePage, {"hub_settings": settings})]
