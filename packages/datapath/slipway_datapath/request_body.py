"""Requests of a browser: which are refused, and how one is answered while its body arrives."""

import asyncio
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from jupyter_server.utils import ensure_async
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, stream_request_body

from slipway_datapath.activity import SAFE_METHODS
from slipway_datapath.error_pages import ErrorPageMixin
from slipway_datapath.exchange import Upload
from slipway_datapath.settings import CONNECTIONS

LINGER_SECONDS = 10.0
"""How long a client may go on sending a body that nobody wants. A connection that is closed at once
would take the answer with it."""

_LENGTH = re.compile("[0-9]{1,18}")


class _Completed:
    """An awaitable that is done: to wait for it takes no turn of the event loop."""

    def __await__(self) -> Iterator[Any]:
        return iter(())


_COMPLETED = _Completed()


@stream_request_body
class RequestBodyMixin(ErrorPageMixin):
    """Answers a request while its body arrives, and at once when it has none."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._upload: Upload | None = None
        self._body_length: int | None = None
        """As the client has said it; None if it has not."""
        self._working: asyncio.Task[Any] | None = None
        self._client_is_gone = False
        self._is_prepared = False

    async def prepare(self) -> None:
        try:
            await super().prepare()
            if self._finished:
                return
            has_body = self.has_body()
            if has_body and self.wants_websocket():
                raise HTTPError(400, "A websocket begins with a request without body")
            if self.request.method not in SAFE_METHODS and not self._is_from_own_page():
                raise HTTPError(403, "Cross origin requests not allowed")
        except HTTPError as error:
            self._refuse(error)
        else:
            if has_body:
                self._begin_upload()
            elif not self.wants_websocket() and not self.settings[CONNECTIONS].under_way:
                self._begin_without_body()
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
        if coding is not None:
            if length is not None or coding.lower() != "chunked" or not self.is_http_1_1:
                raise HTTPError(400, "Ambiguous length of the request's body")
            return True
        if length is None:
            return False
        if not _LENGTH.fullmatch(length):
            raise HTTPError(400, "Content-Length must be one number")
        self._body_length = int(length)
        return self._body_length > 0

    @property
    def is_http_1_1(self) -> bool:
        """Whether the client knows chunks and upgrades."""
        return str(self.request.version) == "HTTP/1.1"

    def wants_websocket(self) -> bool:
        """As configurable-http-proxy sees it: both headers, or it is a request like any other."""
        headers = self.request.headers
        return (
            str(headers.get("Upgrade", "")).lower() == "websocket"
            and "upgrade" in {w.strip().lower() for w in headers.get("Connection", "").split(",")}
            and self.is_http_1_1
        )

    def _begin_upload(self) -> None:
        """Answer while the body arrives: Tornado calls the method only after its last byte."""
        self._upload = upload = Upload()
        self.request.connection.set_max_body_size(sys.maxsize)
        name = self.request.method.lower()
        answering = asyncio.ensure_future(
            self._respond_while_receiving(getattr(self, name), upload)
        )

        async def answered(*_: str) -> None:
            await upload.end()
            await answering

        setattr(self, name, answered)

    def _begin_without_body(self) -> None:
        """Without waiting for Tornado to tell that no body has come: it says so two turns of the
        event loop later, in which the app can be at work.

        For a request alone, which then takes a tenth less. With others under way, those turns
        gather what goes to the app: one wake-up for many, a sixth more requests in a second.
        """
        request, name = self.request, self.request.method.lower()
        method, received = getattr(self, name), request._body_future

        async def at_once(*arguments: str) -> None:
            request._body_future = received
            delattr(self, name)  # or handler and function keep each other
            try:
                await ensure_async(method(*arguments))
            finally:
                # An answer that ends before that would cost the client its connection.
                with suppress(StreamClosedError):
                    await received

        setattr(self, name, at_once)
        request._body_future = _COMPLETED

    async def _respond_while_receiving(self, method: Callable[..., Any], upload: Upload) -> None:
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
