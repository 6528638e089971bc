"""The transport of all our handlers, in place of jupyter-server-proxy's."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

from jupyter_server.utils import url_path_join
from tornado.httputil import HTTPHeaders, HTTPInputError
from tornado.iostream import IOStream, StreamClosedError
from tornado.web import HTTPError

from slipway_datapath.activity import ALL, Rule
from slipway_datapath.app_request import AppRequestMixin
from slipway_datapath.error_pages import LOCAL_HOSTS
from slipway_datapath.exchange import Request, send_request
from slipway_datapath.headers import Fields, end_to_end, rewritten_location
from slipway_datapath.request_body import RequestBodyMixin
from slipway_datapath.rewrite_response import rewritten
from slipway_datapath.scopes import confined, has_scopes
from slipway_datapath.settings import CONNECTIONS, RULES, WINDOWS
from slipway_datapath.transport import WITHOUT_BODY, Answer, AppError, Connections
from slipway_datapath.tunnel import Frames, Tunnel, connect, handshake
from slipway_datapath.vscode import WindowFrames

T = TypeVar("T")
ProxyTarget = tuple[str, int, str]
"""Host, port and path, as jupyter-server-proxy's handlers have them."""

REDIRECTS = frozenset((201, 301, 302, 303, 307, 308))


class StreamingMixin(RequestBodyMixin, AppRequestMixin):
    """Sends requests and websockets to an app, and passes on what it answers as it comes."""

    async def get(self, *arguments: str) -> None:
        if self.wants_websocket():
            # Refused here and not in `prepare`: only for a websocket a browser asks nobody.
            if not self.check_origin():
                raise HTTPError(403, "Cross origin websockets not allowed")
            await self.open(*arguments)
        else:
            await self.http_get(*arguments)

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
        self._headers = self._from_app(list(headers.get_all()))
        if start.code != 101:
            # A browser shows nobody the body of such an answer.
            app.close()
            if start.code not in WITHOUT_BODY:
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
            self._body_length,
        )
        connections: Connections = self.settings[CONNECTIONS]
        address = self.address(host, port)
        connections.under_way += 1
        try:
            answer = await send_request(
                connections, address, request, self.data_path.response_timeout
            )
        except (AppError, TimeoutError, OSError) as error:
            raise self.explained(error, host, port) from None
        finally:
            connections.under_way -= 1
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

    async def _pass_on(self, answer: Answer, target: ProxyTarget) -> None:
        try:
            headers = self._from_app(answer.fields)
        except HTTPInputError as error:
            raise AppError(str(error)) from None
        if answer.length is not None:
            headers["Content-Length"] = str(answer.length)
        status, reason, body = answer.status, answer.reason, None
        if self.rewrite_response:
            changed = await self._rewritten(answer, headers, target)
            status, reason, headers = changed.code, changed.reason, HTTPHeaders(changed.headers)
            if changed.trait_has_value("body"):
                body = changed.body
                headers["Content-Length"] = str(len(body))
        self.set_status(status, reason)
        self._headers = self._with_own_location(headers, status, target)
        ends_with_connection = not self.is_http_1_1 and "Content-Length" not in headers
        if ends_with_connection:
            # Such a client knows no chunks, and Tornado would promise it more answers.
            self.request.headers.pop("Connection", None)
        # Headers go at once; what has come along with them goes in the same packet.
        self.write(answer.read_nowait() if body is None else body)
        await self.flush()
        if body is None:
            while piece := await answer.read():
                self.write(piece)
                await self.flush()
        if ends_with_connection:
            self.request.connection.stream.close()

    def _from_app(self, fields: Fields) -> HTTPHeaders:
        """Headers for the browser. Raises HTTPInputError for those that no browser should see."""
        headers = HTTPHeaders()
        fields = end_to_end(fields)
        if has_scopes(fields) or "Service-Worker" in self.request.headers:
            fields = confined(fields, self.place)
        for name, value in fields:
            headers.add(name, value)
        return headers

    async def _rewritten(self, answer: Answer, headers: HTTPHeaders, target: ProxyTarget) -> Any:
        rewrites = self.rewrite_response
        known = {"request": self.request} | dict(zip(("host", "port", "path"), target, strict=True))
        listed = list(rewrites) if isinstance(rewrites, list | tuple) else [rewrites]
        return await rewritten(listed, answer, headers, known)

    def _with_own_location(
        self, headers: HTTPHeaders, status: int, target: ProxyTarget
    ) -> HTTPHeaders:
        location = headers.get("Location")
        if location and not self.absolute_url and status in REDIRECTS:
            host, port, _ = target
            own = {self.request.host, *(f"{name}:{port}" for name in (host, *LOCAL_HOSTS))}
            context = self._get_context_path(host, port)
            headers["Location"] = rewritten_location(location, context, self.base_url, own)
        return headers
