"""Which headers pass between a browser and an app, and which must not."""

import re
from urllib.parse import urlsplit

Fields = list[tuple[str, str]]

HOP_BY_HOP = frozenset(
    (
        "connection",
        "content-length",
        "http2-settings",
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
"""For one connection only (RFC 9110, section 7.6.1), as is what `Connection` names too. A body's
length is told to each side by whoever has read it."""

_MEANINGFUL = re.compile(
    "host|(set-)?cookie2?|authorization|origin|referer|location|refresh|link|date|from|server|via"
    "|user-agent|vary|etag|age|allow|expires|pragma|range|last-modified|forwarded|www-authenticate"
    "|authentication-info|retry-after|cache-control|strict-transport-security|priority|accept|expect"
    "|clear-site-data|service-worker(-allowed)?|upgrade-insecure-requests|transfer-encoding|trailer"
    "|x-(forwarded-.*|real-ip|scheme|proxycontextpath|frame-options|content-type-options"
    "|xsrf-?token|csrf-?token|requested-with|http-method-override|jupyter.*)"
    "|(accept|access-control|content|cross-origin|if|permissions|referrer|sec)-.*"
)
"""Headers that are for whoever answers or shows something: `Connection` cannot take them out."""

_HUB_COOKIE = re.compile(
    r"\s*(__host-|__secure-)?(jupyterhub-.*|_xsrf|username-.*|oauthenticator-.*)", re.IGNORECASE
)
"""Names of JupyterHub's cookies, and of those with which a Jupyter server knows its user."""
_JUPYTER_TOKEN = re.compile(r"token\s", re.IGNORECASE)


def end_to_end(fields: Fields) -> Fields:
    """All headers, each as often as it came, but for those of one connection and lengths.

    `Content_Length` is left out with them: programs that know headers as variables of CGI, as WSGI
    does, take it for `Content-Length`.
    """
    dropped = HOP_BY_HOP
    for name, value in fields:
        if name.lower() == "connection":
            named = (word.strip().lower() for word in value.split(","))
            dropped = dropped.union(word for word in named if not _MEANINGFUL.fullmatch(word))
    return [field for field in fields if field[0].lower() not in dropped and not _poses(field[0])]


def _poses(name: str) -> bool:
    """Whether a name becomes that of a header with a meaning once `_` and `-` are one."""
    return "_" in name and bool(_MEANINGFUL.fullmatch(name.lower().replace("_", "-")))


def without_credentials(fields: Fields, login_cookie: str, token_authenticated: bool) -> Fields:
    """Without what would let an app act as its user elsewhere.

    `login_cookie` is the name of the one that this server has given its user.
    `Authorization: token …` is Jupyter's own. Any other scheme is the app's business, unless it is
    what the user was authenticated by.
    """
    passed = []
    for name, value in fields:
        if name == "Cookie":
            kept = (c for c in value.split(";") if not _is_secret(c, login_cookie))
            value = ";".join(kept).strip()
            if not value:
                continue
        elif name == "Authorization" and (
            token_authenticated or _JUPYTER_TOKEN.match(value.lstrip())
        ):
            continue
        passed.append((name, value))
    return passed


def _is_secret(cookie: str, login_cookie: str) -> bool:
    return is_hub_cookie(cookie.partition("=")[0], login_cookie)


def is_hub_cookie(name: str, login_cookie: str) -> bool:
    """Whether the hub or the Jupyter server goes by the cookie of that name."""
    return bool(_HUB_COOKIE.fullmatch(name)) or name.strip().lower() == login_cookie.lower()


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
