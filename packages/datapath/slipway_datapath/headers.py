"""Which headers pass between a browser and an app, and which must not."""

import re
from urllib.parse import urlsplit

Fields = list[tuple[str, str]]

HOP_BY_HOP = frozenset(
    (
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
"""For one connection only (RFC 9110, section 7.6.1), as is what `Connection` names besides."""

_HUB_COOKIE = re.compile(r"\s*(jupyterhub-[^=]*|_xsrf|username-[^=]*)=")
"""JupyterHub's cookies, and those with which a Jupyter server knows its user."""
_JUPYTER_TOKEN = re.compile(r"token\s", re.IGNORECASE)


def end_to_end(fields: Fields) -> Fields:
    """All headers, each as often as it came, but for those of one connection."""
    dropped = HOP_BY_HOP
    for name, value in fields:
        if name.lower() == "connection":
            dropped = dropped.union(word.strip().lower() for word in value.split(","))
    return [field for field in fields if field[0].lower() not in dropped]


def without_credentials(fields: Fields, login_cookie: str, token_authenticated: bool) -> Fields:
    """Without what would let an app act as its user elsewhere.

    `login_cookie` is the name of the one that this server has given its user.
    `Authorization: token …` is Jupyter's own. Any other scheme is the app's business, unless it is
    what the user was authenticated by.
    """
    passed = []
    for name, value in fields:
        if name == "Cookie":
            value = ";".join(c for c in value.split(";") if not _is_secret(c, login_cookie)).strip()
            if not value:
                continue
        elif name == "Authorization" and (
            token_authenticated or _JUPYTER_TOKEN.match(value.lstrip())
        ):
            continue
        passed.append((name, value))
    return passed


def _is_secret(cookie: str, login_cookie: str) -> bool:
    return bool(_HUB_COOKIE.match(cookie)) or cookie.partition("=")[0].strip() == login_cookie


def without_token(query: str) -> str:
    """A query string without `token=…`."""
    return "&".join(part for part in query.split("&") if part.partition("=")[0] != "token")


def rewritten_location(location: str, context: str, base_url: str, own_hosts: set[str]) -> str:
    """Where a redirect leads in the browser's terms.

    `context` is the path that the app is served at. An app that knows it has put it there itself;
    to one that does not, it is added. An address at one of `own_hosts` means the app as well.
    """
    parsed = urlsplit(location)
    if parsed.netloc:
        if parsed.scheme not in ("http", "https", "") or parsed.netloc not in own_hosts:
            return location
    elif not location.startswith("/"):
        return location
    path = parsed.path or "/"
    if not _is_below(path, context) and (base_url == "/" or not path.startswith(base_url)):
        path = context.rstrip("/") + path
    return parsed._replace(scheme="", netloc="", path=path).geturl()


def _is_below(path: str, context: str) -> bool:
    context = context.rstrip("/")
    return path == context or path.startswith(f"{context}/")
