"""From a browser's request to the one that an app gets: its address, path and headers."""

from urllib.parse import quote, unquote, urlsplit

from jupyter_server.utils import url_path_join

from slipway_datapath.error_pages import ErrorPageMixin
from slipway_datapath.headers import end_to_end, without_credentials, without_token
from slipway_datapath.scopes import Place
from slipway_datapath.settings import SETTINGS, DataPath
from slipway_datapath.transport import AppAddress

_VISIBLE = "".join(map(chr, range(0x21, 0x7F)))


class AppRequestMixin(ErrorPageMixin):
    """A browser's request, as the app is to see it."""

    @property
    def data_path(self) -> DataPath:
        settings: DataPath = self.settings[SETTINGS]
        return settings

    def address(self, host: str, port: int) -> AppAddress:
        return self.unix_socket or (host, port)

    def app_target(self, host: str, port: int, proxied_path: str) -> str:
        """Path and query in the app, as the browser has written them."""
        path = self._raw_path(host, port, proxied_path)
        if path is None:
            path = urlsplit(self.get_client_uri("http", host, port, proxied_path)).path
        query = self.request.query
        if not query.isascii():  # no part of an address, and not all programs take it for one
            query = quote(query, safe=_VISIBLE, encoding="latin1")
        if query and "token=" in query and self._withholds_token():
            query = without_token(query)
        return f"{path}?{query}" if query else path

    @property
    def own_path(self) -> str:
        """Where the browser has found the app, in its spelling: `/user/jo/code`."""
        own = url_path_join("/", self.base_url, self.proxy_base or "/proxy/x")
        depth = own.count("/")
        if not self.proxy_base and self.request.path.startswith(
            url_path_join(self.base_url, "/proxy/absolute/")
        ):
            depth += 1
        return "/".join(self.request.path.split("/")[: depth + 1])

    @property
    def place(self) -> Place:
        """To which the app's answer is confined."""
        return Place(
            app=self.own_path,
            requested=self.request.path,
            knows_path=bool(self.absolute_url),
            login_cookie=self.identity_provider.get_cookie_name(self),
            loads_worker="Service-Worker" in self.request.headers,
        )

    def _raw_path(self, host: str, port: int, proxied_path: str) -> str | None:
        """`proxied_path` with its escapes; None when it was mapped and so is nowhere in the URL."""
        raw = "/" + self.request.path.removeprefix(self.own_path).removeprefix("/")
        if unquote(raw) != "/" + proxied_path.removeprefix("/"):
            return None
        if self.absolute_url:
            raw = self._get_context_path(host, port).rstrip("/") + raw
        return quote(raw, safe="/:?[]@!$&'()*+,;=-._~%", encoding="latin1")

    def _withholds_token(self) -> bool:
        trusted = getattr(self, "name", None) in self.data_path.trusted_with_credentials
        return not trusted and getattr(self, "_token_authenticated", False)

    def app_fields(self, host: str, port: int) -> list[tuple[str, str]]:
        fields = end_to_end(list(self.request.headers.get_all()))
        if getattr(self, "name", None) not in self.data_path.trusted_with_credentials:
            fields = without_credentials(
                fields,
                self.identity_provider.get_cookie_name(self),
                getattr(self, "_token_authenticated", False),
            )
        extra = dict(self.get_request_headers_override())
        if "Host" not in self.request.headers:
            # HTTP/1.0 needs none. What the app gets is HTTP/1.1, which does.
            extra.setdefault("Host", self.request.host)
        if not self.absolute_url:
            context = self._get_context_path(host, port)
            for name in ("X-Forwarded-Context", "X-ProxyContextPath", "X-Forwarded-Prefix"):
                extra[name] = context
        # "Expect" has been answered by Tornado.
        replaced = {"expect", *(name.lower() for name in extra)}
        return [f for f in fields if f[0].lower() not in replaced] + list(extra.items())
