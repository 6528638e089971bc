"""What an app says about more than itself: held to the path at which it is served.

A browser sees one origin for the hub, Jupyter and all apps of a user. By its headers an app could
reach them all: with a service worker for `/`, by a cookie for `/` or of a name that the hub goes
by, or by clearing the origin's storage.
"""

from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from slipway_datapath.headers import Fields, is_hub_cookie

ORIGIN_WIDE = frozenset(
    (
        "accept-ch",
        "alt-svc",
        "clear-site-data",
        "critical-ch",
        "expect-ct",
        "nel",
        "origin-agent-cluster",
        "public-key-pins",
        "public-key-pins-report-only",
        "report-to",
        "sec-session-registration",
        "secure-session-registration",
        "set-cookie2",
        "set-login",
        "strict-transport-security",
        "x-accel-redirect",
        "x-lighttpd-send-file",
        "x-sendfile",
    )
)
"""Headers whose effect is on the whole origin or host, and on nothing less; and those by which a
proxy in front is told to send files of its own."""
MAX_PATH = 1000
"""Browsers ignore a cookie's attribute of more than 1024 bytes."""
WORKER_SCOPE = "service-worker-allowed"
_CONCERNED = ORIGIN_WIDE | {"set-cookie", WORKER_SCOPE}


@dataclass(frozen=True)
class Place:
    """Where a browser finds an app, and what it has asked for."""

    app: str
    """The app's own path, without a slash at its end: `/user/jo/code`."""
    requested: str
    """The path of the request."""
    knows_path: bool
    """The app is sent the whole path and writes it into what it answers (`absolute_url`)."""
    login_cookie: str
    """The cookie with which this Jupyter server knows its user."""
    loads_worker: bool
    """The browser asks for the script of a service worker."""

    def holds(self, path: str) -> bool:
        """Whether the path is the app's or below it, for whoever reads it.

        `..` is resolved by some and not by others, a backslash is a slash to some, and browsers
        leave out what is long.
        """
        segments = path.lower().replace("%2e", ".").split("/")
        is_plain = ".." not in segments and "\\" not in path and len(path) < MAX_PATH
        return is_plain and (path + "/").startswith(self.app + "/")


def has_scopes(fields: Fields) -> bool:
    """Whether `confined` would have anything to do, but for the script of a service worker."""
    return any(name.lower() in _CONCERNED for name, _ in fields)


def confined(fields: Fields, place: Place) -> Fields:
    """The headers of an app's answer, none of which reaches beyond its path."""
    passed = []
    scope = ""
    for name, value in fields:
        kind = name.lower()
        if kind == "set-cookie":
            if cookie := _own_cookie(value, place):
                passed.append((name, cookie))
        elif kind == WORKER_SCOPE:
            scope = value
        elif kind not in ORIGIN_WIDE:
            passed.append((name, value))
    # Without it, a worker has what is beside its script: not the app's business at its bare path.
    if scope or (place.loads_worker and place.requested == place.app):
        passed.append(("Service-Worker-Allowed", _own_scope(scope, place)))
    return passed


def _own_scope(value: str, place: Place) -> str:
    """The scope that was asked for, or the app's whole path where that is more.

    With a slash at its end: a scope is a prefix, and `/proxy/80` would be one of `/proxy/8080/`.
    """
    try:
        asked = urlsplit(urljoin(f"http://localhost{place.requested}", value)).path
    except ValueError:
        asked = ""
    if value and asked.startswith(f"{place.app}/") and place.holds(asked):
        return asked
    return f"{place.app}/"


def _own_cookie(value: str, place: Place) -> str | None:
    """The cookie for the app's path on this host alone; None if it would be the hub's."""
    pair, *attributes = value.split(";")
    name = pair.partition("=")[0].strip()
    # One without a name is sent as its value: `=_xsrf=1` comes back as `_xsrf=1`.
    if not name or "=" not in pair or is_hub_cookie(name, place.login_cookie):
        return None
    path, kept = "", []
    for attribute in attributes:
        key, _, said = attribute.partition("=")
        if key.strip().lower() == "path":
            path = said.strip()  # of several, browsers take the last
        elif key.strip().lower() != "domain":
            kept.append(attribute)
    if not path.startswith("/"):  # browsers then go by the request, up to its last slash
        path = place.requested.rpartition("/")[0]
        if place.holds(path):
            return ";".join([pair, *kept])
    return ";".join([pair, *kept, f" Path={_own_path(path, place)}"])


def _own_path(path: str, place: Place) -> str:
    """The path of a cookie in the browser's terms, or the app's whole path where that is less."""
    if place.holds(path):
        return path
    below = place.app + path
    is_above = place.app.startswith(path.rstrip("/") + "/")
    if place.knows_path or is_above or not place.holds(below):
        return f"{place.app}/"
    return below
