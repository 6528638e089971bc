"""HTTP/1.1 to an app: request and answer pass as they come, and the connection is kept.

Parsing is llhttp's, Node's parser (https://github.com/MagicStack/httptools). What is around it is
small, because it runs for every request (docs/decisions/0007-data-path.md).
"""

import asyncio
import os
from collections import defaultdict
from collections.abc import AsyncIterable, Coroutine, Iterable
from contextlib import suppress
from contextvars import Context
from typing import Any

import httptools

IDLE_CONNECTIONS = 32
"""Unused connections kept for each app."""
BUFFERED_BYTES = 64 * 1024
"""An app is not read from while this much of its answer waits for the client."""
MAX_HEAD_BYTES = 256 * 1024
"""Most that an app may send without any of it being a body: headers, trailers, 1xx answers."""
MAX_HEADERS = 1000
WITHOUT_BODY = frozenset((204, 304))
"""Statuses whose answers end with their headers, whatever these say (RFC 9112, section 6.3)."""

AppAddress = tuple[str, int] | str
"""Host and port, or a unix socket."""

_NO_CONTEXT = Context()
"""For timers: one that was cancelled would keep the request whose context it has."""


class AppError(Exception):
    """The app gives no answer, or one that is no HTTP; the message says why."""


class NotListeningError(AppError):
    """Nothing takes connections at the app's address."""


class Answer:
    """What an app answers, as far as it has come. httptools calls `on_…`."""

    def __init__(self, connection: "Connection", method: str) -> None:
        self.status = 0
        self.reason = ""
        self.fields: list[tuple[str, str]] = []
        self.length: int | None = None
        """Of the body, where the app has said it."""
        self.complete = False
        self.keeps_connection = False
        self.started = False
        """The final status and all headers are there."""
        self._connection = connection
        self._parser = httptools.HttpResponseParser(self)
        self._has_no_body = method == "HEAD"
        self._ends_with_connection = False
        self._pieces: list[bytes] = []
        self._buffered = self._without_body = 0
        self._error: AppError | TimeoutError | None = None
        self._limit: asyncio.TimerHandle | None = None
        self._progress: asyncio.Future[None] | None = None
        self._sending: asyncio.Future[None] | None = None

    def send(self, body: Coroutine[Any, Any, None]) -> None:
        """Let the request's body follow while the answer is waited for."""
        self._sending = asyncio.ensure_future(body)

    def release(self) -> None:
        """Give the connection back, or close it if more than this answer is on its way."""
        del self._parser  # or answer and parser keep each other
        sent = not self._sending or self._sending.done()
        if self._sending and not self._sending.done():
            self._sending.cancel()
        self._connection.release(self.complete and self.keeps_connection and sent)

    def expect_within(self, seconds: float) -> None:
        """Let `start` wait no longer than that from now on."""
        # A timer of our own: `asyncio.timeout` takes two to three times as long to set up.
        if not self.started:
            self._limit = asyncio.get_running_loop().call_later(
                seconds, self._expire, context=_NO_CONTEXT
            )

    def _expire(self) -> None:
        if not self.started:
            self.fail(TimeoutError())

    async def start(self) -> None:
        """Wait for the headers. Raises AppError, or TimeoutError."""
        try:
            while not self.started:
                if self._error:
                    raise self._error
                await self._wait()
        finally:
            if self._limit:
                self._limit.cancel()
                self._limit = None

    async def read(self) -> bytes:
        """The next piece of the body, empty at its end. Raises AppError when it breaks off."""
        while not self._pieces and not self.complete:
            if self._error:
                raise self._error
            await self._wait()
        return self.read_nowait()

    def read_nowait(self) -> bytes:
        """What has come of the body since the last time."""
        pieces, self._pieces = self._pieces, []
        if self._buffered >= BUFFERED_BYTES:
            self._connection.resume_reading()
        self._buffered = 0
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def _wait(self) -> None:
        self._progress = asyncio.get_running_loop().create_future()
        await self._progress

    def _notify(self) -> None:
        if self._progress and not self._progress.done():
            self._progress.set_result(None)

    def fail(self, error: AppError | TimeoutError) -> None:
        if not self.complete and not self._error:
            self._error = error
            self._notify()

    def feed(self, data: bytes) -> None:
        if self.complete:
            return self._connection.close()  # an answer to nothing
        self._without_body += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self.fail(AppError(f"Its answer is not HTTP ({error})"))
        if self._without_body > MAX_HEAD_BYTES:
            self.fail(AppError("It sends headers without end"))
        if self._error:
            self._connection.close()
        return None

    def end_of_connection(self) -> None:
        if self.started and self._ends_with_connection:
            self._end()
        else:
            self.fail(AppError("It closed the connection before its answer was complete"))

    def on_message_begin(self) -> None:
        if self.complete:
            self.keeps_connection = False  # an answer to nothing, right behind this one

    def on_status(self, reason: bytes) -> None:
        if not self.complete:
            self.reason = reason.decode("latin1")

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.started:  # trailers are for nobody: a client cannot have been told of them
            self.fields.append((name.decode("latin1"), value.decode("latin1")))

    def on_headers_complete(self) -> None:
        if self.complete:
            return None
        self.status = self._parser.get_status_code()
        if self.status < 200:
            return None
        if len(self.fields) > MAX_HEADERS:
            return self.fail(AppError("It sends too many headers"))
        self.keeps_connection = self._parser.should_keep_alive()
        lengths = [value for name, value in self.fields if name.lower() == "content-length"]
        codings = [value for name, value in self.fields if name.lower() == "transfer-encoding"]
        if codings and [coding.strip().lower() for coding in codings] != ["chunked"]:
            said = ", ".join(codings)
            return self.fail(AppError(f"It answers in a transfer coding of its own ({said})"))
        if lengths and self.status not in WITHOUT_BODY:
            self.length = int(lengths[0])  # the parser takes one, of digits alone
        self._ends_with_connection = not lengths and not codings
        self.started = True
        if self._has_no_body:
            self._end()
        return self._notify()

    def on_body(self, piece: bytes) -> None:
        if self.complete:
            self.keeps_connection = False  # a body in answer to HEAD
            return
        self._without_body = 0
        self._pieces.append(piece)
        self._buffered += len(piece)
        if self._buffered >= BUFFERED_BYTES:
            self._connection.pause_reading()
        self._notify()

    def on_message_complete(self) -> None:
        if self.started:
            self._end()
        else:
            self.reason, self.fields = "", []  # it was a 1xx

    def _end(self) -> None:
        self.complete = True
        self._notify()


class Connection(asyncio.Protocol):
    """A connection to an app, for one exchange after the other."""

    def __init__(self, unused: list["Connection"]) -> None:
        self.answer: Answer | None = None
        self.used = False
        """It has carried an exchange before."""
        self._unused = unused
        self._transport: Any = None
        self._writable: asyncio.Future[None] | None = None

    @property
    def is_open(self) -> bool:
        return not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self.answer:
            self.answer.feed(data)
        else:
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.resume_writing()
        if self.answer:
            if exc:
                self._read_remaining(self.answer)
            self.answer.end_of_connection()

    def _read_remaining(self, answer: Answer) -> None:
        """An app may answer and hang up while it is still sent a body. asyncio then gives up on the
        connection for what it could not write; what there is to read is still there."""
        socket = self._transport.get_extra_info("socket").fileno()
        with suppress(OSError):
            while not answer.complete and (data := os.read(socket, BUFFERED_BYTES)):
                answer.feed(data)

    def pause_writing(self) -> None:
        self._writable = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        if self._writable and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    def pause_reading(self) -> None:
        if self.is_open:
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if self.is_open:
            self._transport.resume_reading()

    def close(self) -> None:
        self._transport.abort()

    def release(self, reusable: bool) -> None:
        self.answer, self.used = None, True
        self.resume_reading()
        if reusable and self.is_open and len(self._unused) < IDLE_CONNECTIONS:
            self._unused.append(self)
        else:
            self.close()

    def begin(self, method: str, target: str, fields: Iterable[tuple[str, str]]) -> Answer:
        """Send a request's head."""
        self.answer = Answer(self, method)
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields)]
        self._transport.write("\r\n".join([*lines, "", ""]).encode("latin1"))
        return self.answer

    async def send_body(self, pieces: AsyncIterable[bytes], chunked: bool) -> None:
        """Send a request's body as it comes, no faster than the app takes it."""
        async for piece in pieces:
            if self._writable:
                await self._writable
            if not self.is_open:
                return
            self._transport.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        if chunked:
            self._transport.write(b"0\r\n\r\n")


class Connections:
    """Connections to apps, kept for the next request."""

    def __init__(self, connect_timeout: float) -> None:
        self.under_way = 0
        """Requests whose answers have not begun."""
        self._timeout = connect_timeout
        self._unused: dict[AppAddress, list[Connection]] = defaultdict(list)

    async def take(self, address: AppAddress, fresh: bool = False) -> Connection:
        """An unused connection or a new one. Raises NotListeningError, or TimeoutError."""
        unused = self._unused[address]
        while unused and not fresh:
            connection = unused.pop()
            if connection.is_open:
                return connection
        try:
            async with asyncio.timeout(self._timeout):
                return await self._open(address)
        except TimeoutError:
            raise
        except OSError as error:
            raise NotListeningError(
                f"Nothing takes connections there ({error.strerror or error})"
            ) from None

    async def _open(self, address: AppAddress) -> Connection:
        loop, unused = asyncio.get_running_loop(), self._unused[address]
        if isinstance(address, str):
            return (await loop.create_unix_connection(lambda: Connection(unused), address))[1]
        return (await loop.create_connection(lambda: Connection(unused), *address))[1]
