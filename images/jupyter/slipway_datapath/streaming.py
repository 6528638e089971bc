"""What every handler of the proxy does, in place of jupyter-server-proxy's transport."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import quote, unquote, urlsplit

from jupyter_server.utils import ensure_async, url_path_join
from tornado.httputil import HTTPHeaders, HTTPInputError
from tornado.iostream import IOStream, StreamClosedError
from tornado.web import HTTPError, stream_request_body

from slipway_datapath.activity import ALL, SAFE_METHODS, Rule
from slipway_datapath.exchange import Request, Upload, ask
from slipway_datapath.explaining import LOCAL_HOSTS, Explaining
from slipway_datapath.headers import (
    end_to_end,
    rewritten_location,
    without_credentials,
    without_token,
)
from slipway_datapath.rewriting import rewritten
from slipway_datapath.settings import DataPath
from slipway_datapath.transport import Address, Answer, AppError, Connections
from slipway_datapath.tunnel import Frames, Tunnel, connect, handshake
from slipway_datapath.vscode import WindowFrames

T = TypeVar("T")
Place = tuple[str, int, str]
"""Host, port and path, as jupyter-server-proxy's handlers have them."""

SETTINGS = "slipway_datapath"
"""Where the web application keeps our `DataPath`."""
CONNECTIONS = "slipway_datapath_connections"
RULES = "slipway_datapath_rules"
"""And what of each app's traffic is work."""
WINDOWS = "slipway_datapath_windows"
"""And which pages of VS Code have their user before them."""
REDIRECTS = frozenset((201, 301, 302, 303, 307, 308))
LINGER_SECONDS = 10.0
"""How long a client may go on sending a body that nobody wants. A connection that is closed at once
would take the answer with it."""


@stream_request_body
class Streaming(Explaining):
    """What differs from jupyter-server-proxy."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._upload: Upload | None = None
        self._working: asyncio.Task[Any] | None = None
        self._client_is_gone = False
        self._is_prepared = False

    @property
    def data_path(self) -> DataPath:
        settings: DataPath = self.settings[SETTINGS]
        return settings

    async def prepare(self) -> None:
        try:
            await super().prepare()
            if self._finished:
                return
            has_body = self.has_body()
            if has_body and self._wants_websocket():
                raise HTTPError(400, "A websocket begins with a request without body")
            if self.request.method not in SAFE_METHODS and not self._is_from_own_page():
                raise HTTPError(403, "Cross origin requests not allowed")
        except HTTPError as error:
            self._refuse(error)
        else:
            if has_body:
                self._begin_upload()
        self._is_prepared = True

    def _is_from_own_page(self) -> bool:
        """A form of a page with `Referrer-Policy: no-referrer` has the origin `null`, as that of
        a sandboxed frame has. The browser tells them apart, and no page can make it lie."""
        headers = self.request.headers
        nameless = headers.get("Origin") == "null"
        return bool(
            self.check_origin() or (nameless and headers.get("Sec-Fetch-Site") == "same-origin")
        )

    def _refuse(self, error: HTTPError) -> None:
        """Say so when the client has sent its body, of which nobody will see anything. To answer
        now would be to close the connection, and a client that still sends hears nothing then."""

        async def refused(*_: str) -> None:
            raise error

        setattr(self, self.request.method.lower(), refused)
        self.request.connection.set_body_timeout(LINGER_SECONDS)

    def finish(self, chunk: Any = None) -> Any:
        if not self._is_prepared and not self._headers_written:
            # Tornado closes the connection under a client whose body it has not read, if only to
            # find that there is none. It should be told.
            self.set_header("Connection", "close")
        return super().finish(chunk)

    def has_body(self) -> bool:
        """Whether a body follows. Raises HTTPError 400 when two parsers could disagree on it."""
        headers = self.request.headers
        length, coding = headers.get("Content-Length"), headers.get("Transfer-Encoding")
        if coding is not None and (length is not None or coding.strip().lower() != "chunked"):
            raise HTTPError(400, "Ambiguous length of the request's body")
        if length is not None and not (length.isascii() and length.isdigit()):
            raise HTTPError(400, "Content-Length must be one number")
        return coding is not None or (length is not None and length.strip("0") != "")

    def _begin_upload(self) -> None:
        """Answer while the body arrives: Tornado calls the method only after its last byte."""
        self._upload = upload = Upload()
        self.request.connection.set_max_body_size(sys.maxsize)
        name = self.request.method.lower()
        answering = asyncio.ensure_future(self._answer_early(getattr(self, name), upload))

        async def answered(*_: str) -> None:
            await upload.end()
            await answering

        setattr(self, name, answered)

    async def _answer_early(self, method: Callable[..., Any], upload: Upload) -> None:
        error: HTTPError | None = None
        try:
            await ensure_async(method(*self.path_args))
        except HTTPError as raised:
            error = raised
        finally:
            upload.discard()
        if self._client_is_gone:
            return
        try:
            await asyncio.wait_for(upload.received.wait(), LINGER_SECONDS)
        except TimeoutError:
            if error:
                self.send_error(error.status_code, exc_info=(type(error), error, None))
            self.request.connection.stream.close()
            return
        if error:
            raise error

    async def data_received(self, chunk: bytes) -> None:
        if self._upload:
            await self._upload.put(chunk)

    def on_connection_close(self) -> None:
        self._client_is_gone = True
        if self._working:
            self._working.cancel()
        super().on_connection_close()

    async def get(self, *arguments: str) -> None:
        if self._wants_websocket():
            # Refused here and not in `prepare`: only for a websocket a browser asks nobody.
            if not self.check_origin():
                raise HTTPError(403, "Cross origin websockets not allowed")
            await self.open(*arguments)
        else:
            await self.http_get(*arguments)

    def _wants_websocket(self) -> bool:
        return str(self.request.headers.get("Upgrade", "")).lower() == "websocket"

    async def proxy_open(self, host: str, port: int, proxied_path: str = "") -> None:
        self._check_host(host)
        tunnel = await self._while_client_waits(self._accept(host, port, proxied_path))
        if tunnel:
            await tunnel.run()

    async def _accept(self, host: str, port: int, proxied_path: str) -> Tunnel | None:
        """The tunnel that the app has agreed to. What it says instead is passed on."""
        target = self.app_target(host, port, proxied_path)
        app = None
        try:
            async with asyncio.timeout(self.data_path.connect_timeout):
                app = await connect(host, port, self.unix_socket)
                start, headers = await handshake(app, target, self.app_fields(host, port))
        except BaseException as error:
            if app:
                app.close()
            if isinstance(error, OSError | ValueError | HTTPInputError):
                raise self.explained(error, host, port) from None
            raise
        self.set_status(start.code, start.reason)
        self._headers = HTTPHeaders()
        for name, value in end_to_end(list(headers.get_all())):
            self._headers.add(name, value)
        if start.code != 101:
            # A browser shows nobody the body of such an answer.
            app.close()
            self._headers["Content-Length"] = "0"
            await self.flush()
            return None
        self._headers["Upgrade"], self._headers["Connection"] = "websocket", "Upgrade"
        await self.flush()
        return self._tunnel(app)

    def _tunnel(self, app: IOStream) -> Tunnel:
        rule, record = self.rule, super()._record_activity
        counts = rule.counts(self._path_inside)
        to_app = Frames(record if counts and rule.websocket_in else None, rule.keepalive_bytes)
        if counts and rule.reads_window:
            token = self.get_query_argument("reconnectionToken", "")
            to_app = WindowFrames(record, self.settings[WINDOWS], token)
        to_browser = Frames(record if counts and rule.websocket_out else None)
        return Tunnel(self.detach(), app, self.data_path.ping_interval, to_app, to_browser)

    @property
    def rule(self) -> Rule:
        """What of the app's traffic is work."""
        rules: dict[str | None, Rule] = self.settings[RULES]
        return rules.get(getattr(self, "name", None), ALL)

    @property
    def _path_inside(self) -> str:
        base = url_path_join("/", self.base_url, self.proxy_base)
        return str(self.request.path).removeprefix(base)

    def _record_activity(self) -> None:
        rule = self.rule
        if rule is ALL or rule.counts(self._path_inside):
            super()._record_activity()

    async def proxy(self, host: str, port: int, proxied_path: str) -> None:
        self._check_host(host)
        self._record_activity()
        await self._while_client_waits(self._relay(host, port, proxied_path))

    def _check_host(self, host: str) -> None:
        if not self._check_host_allowlist(host):
            raise HTTPError(403, f"Host '{host}' is not among ServerProxy.host_allowlist")

    async def _while_client_waits(self, work: Awaitable[T]) -> T | None:
        """The result of `work`; None when the client goes first, for then it is cancelled."""
        self._working = asyncio.current_task()
        try:
            return await work
        except StreamClosedError:
            return None
        except asyncio.CancelledError:
            if not self._client_is_gone or not self._working:
                raise
            self._working.uncancel()
            return None
        finally:
            self._working = None

    async def _relay(self, host: str, port: int, proxied_path: str) -> None:
        request = Request(
            self.request.method,
            self.app_target(host, port, proxied_path),
            self.app_fields(host, port),
            self._upload,
            chunked="Transfer-Encoding" in self.request.headers,
        )
        connections: Connections = self.settings[CONNECTIONS]
        address = self.address(host, port)
        try:
            answer = await ask(connections, address, request, self.data_path.response_timeout)
        except (AppError, TimeoutError, OSError) as error:
            raise self.explained(error, host, port) from None
        try:
            await self._pass_on(answer, (host, port, proxied_path))
        except AppError as error:
            if not self._headers_written:
                raise self.explained(error, host, port) from None
            # A broken connection tells the client that something is missing.
            self.log.warning("%s: %s", self.request.path, error)
            self.request.connection.stream.close()
        finally:
            answer.release()
        self._record_activity()

    async def _pass_on(self, answer: Answer, place: Place) -> None:
        headers = HTTPHeaders()
        for name, value in end_to_end(answer.fields):
            headers.add(name, value)
        status, reason, body = answer.status, answer.reason, None
        if self.rewrite_response:
            changed = await self._rewritten(answer, headers, place)
            status, reason, headers = changed.code, changed.reason, HTTPHeaders(changed.headers)
            if changed.trait_has_value("body"):
                body = changed.body
                headers["Content-Length"] = str(len(body))
        self.set_status(status, reason)
        self._headers = self._with_own_location(headers, status, place)
        # Headers go at once; what has come along with them goes in the same packet.
        self.write(answer.read_nowait() if body is None else body)
        await self.flush()
        if body is None:
            while piece := await answer.read():
                self.write(piece)
                await self.flush()

    async def _rewritten(self, answer: Answer, headers: HTTPHeaders, place: Place) -> Any:
        rewrites = self.rewrite_response
        known = {"request": self.request} | dict(zip(("host", "port", "path"), place, strict=True))
        listed = list(rewrites) if isinstance(rewrites, list | tuple) else [rewrites]
        return await rewritten(listed, answer, headers, known)

    def _with_own_location(self, headers: HTTPHeaders, status: int, place: Place) -> HTTPHeaders:
        location = headers.get("Location")
        if location and not self.absolute_url and status in REDIRECTS:
            host, port, _ = place
            own = {self.request.host, *(f"{name}:{port}" for name in (host, *LOCAL_HOSTS))}
            context = self._get_context_path(host, port)
            headers["Location"] = rewritten_location(location, context, self.base_url, own)
        return headers

    def address(self, host: str, port: int) -> Address:
        return self.unix_socket or (host, port)

    def app_target(self, host: str, port: int, proxied_path: str) -> str:
        """Path and query in the app, as the browser has written them."""
        path = self._raw_path(host, port, proxied_path)
        if path is None:
            path = urlsplit(self.get_client_uri("http", host, port, proxied_path)).path
        query = self.request.query
        if query and "token=" in query and self._withholds_token():
            query = without_token(query)
        return f"{path}?{query}" if query else path

    def _raw_path(self, host: str, port: int, proxied_path: str) -> str | None:
        """`proxied_path` with its escapes; None when it was mapped and so is nowhere in the URL."""
        own = url_path_join("/", self.base_url, self.proxy_base or "/proxy/x")
        depth = own.count("/")
        if not self.proxy_base and self.request.path.startswith(
            url_path_join(self.base_url, "/proxy/absolute/")
        ):
            depth += 1
        raw = "/" + "/".join(self.request.path.split("/")[depth + 1 :])
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
        # "Expect" has been answered by Tornado.
        headers = [field for field in fields if field[0] != "Expect"]
        extra = dict(self.get_request_headers_override())
        if not self.absolute_url:
            context = self._get_context_path(host, port)
            for name in ("X-Forwarded-Context", "X-ProxyContextPath", "X-Forwarded-Prefix"):
                extra[name] = context
        replaced = {name.lower() for name in extra}
        return [f for f in headers if f[0].lower() not in replaced] + list(extra.items())
