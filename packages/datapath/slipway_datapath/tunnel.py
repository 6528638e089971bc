"""A websocket as a tunnel: after the app has accepted it, bytes pass as they come.

So frames of any size, compression, sub-protocol and close codes are between browser and app alone,
and no more than one piece per direction is ever held. The proxy adds but one thing, a ping into a
silence, to notice a browser that has gone without saying so.
"""

import asyncio
import socket
from collections.abc import Callable, Iterable

from tornado.httputil import HTTPHeaders, ResponseStartLine, parse_response_start_line
from tornado.iostream import IOStream
from tornado.tcpclient import TCPClient

MAX_HEAD_BYTES = 64 * 1024
MAX_INTERIM = 10
"""Answers of 1xx before the one that counts."""
BUFFER_BYTES = 1024 * 1024
PIECE_BYTES = 64 * 1024
PING = b"\x89\x00"
CONTROL = 8
"""The first of the opcodes that carry no data."""


async def connect(host: str, port: int, unix_socket: str | None) -> IOStream:
    """A connection to an app. Raises OSError (StreamClosedError included)."""
    if not unix_socket:
        return await TCPClient().connect(host, port, max_buffer_size=BUFFER_BYTES)
    stream = IOStream(socket.socket(socket.AF_UNIX), max_buffer_size=BUFFER_BYTES)
    return await stream.connect(unix_socket)


async def handshake(
    app: IOStream, target: str, fields: Iterable[tuple[str, str]]
) -> tuple[ResponseStartLine, HTTPHeaders]:
    """Ask an app to upgrade the connection; what it says before its answer is for nobody.

    Raises OSError, ValueError or HTTPInputError.
    """
    lines = [f"GET {target} HTTP/1.1", "Connection: Upgrade", "Upgrade: websocket"]
    lines += [f"{name}: {value}" for name, value in fields]
    await app.write("\r\n".join([*lines, "", ""]).encode("latin1"))
    for _ in range(MAX_INTERIM):
        head = await app.read_until_regex(rb"\r?\n\r?\n", max_bytes=MAX_HEAD_BYTES)
        first, _, rest = head.decode("latin1").partition("\n")
        start = parse_response_start_line(first.rstrip("\r"))
        if start.code == 101 or start.code >= 200:
            return start, HTTPHeaders.parse(rest)
    raise ValueError("It sends headers without end")


class Tunnel:
    """Bytes between a browser and an app, until one of them has gone."""

    def __init__(
        self,
        browser: IOStream,
        app: IOStream,
        ping_interval: float,
        to_app: "Frames",
        to_browser: "Frames",
    ) -> None:
        self._browser, self._app = browser, app
        self._ping_interval = ping_interval
        self._to_app_frames, self._to_browser_frames = to_app, to_browser
        self._browser_lives = True
        """The browser has sent or taken something since the last look."""

    async def run(self) -> None:
        passing = [self._to_app(), self._to_browser()]
        if self._ping_interval:
            passing.append(self._watch())
        tasks = [asyncio.ensure_future(direction) for direction in passing]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._browser.close()
            self._app.close()

    async def _to_app(self) -> None:
        while True:
            piece = await self._browser.read_bytes(PIECE_BYTES, partial=True)
            self._browser_lives = True
            self._to_app_frames.feed(piece)
            await self._app.write(piece)

    async def _to_browser(self) -> None:
        while True:
            piece = await self._app.read_bytes(PIECE_BYTES, partial=True)
            self._to_browser_frames.feed(piece)
            await self._browser.write(piece)
            self._browser_lives = True

    async def _watch(self) -> None:
        """Return when the browser has neither sent nor taken a byte for two intervals."""
        silences = 0
        while silences < 2:
            self._browser_lives = False
            await asyncio.sleep(self._ping_interval)
            silences = 0 if self._browser_lives else silences + 1
            if silences == 1 and self._to_browser_frames.at_boundary:
                self._ping = asyncio.ensure_future(self._browser.write(PING))


class Frames:
    """The frames in a stream of bytes (RFC 6455, section 5.2): where one ends, and whether it is
    data. A ping fits in between two; and the browser's answer to it is no sign of its user."""

    reads = False
    """Whether `begin`, `take` and `end` are called."""

    def __init__(self, on_data: Callable[[], None] | None = None, ignored_bytes: int = 0) -> None:
        """`on_data` is called for what is more than a ping, a pong or a close. Messages of up to
        `ignored_bytes` do not count; 0 counts all."""
        self._on_data = on_data
        self._ignored_bytes = ignored_bytes
        self._head = bytearray()
        self._missing = 0
        self._is_data = False
        self._first = 0

    def begin(self, first: int) -> None:
        """A frame begins with this byte."""

    def take(self, piece: bytes) -> None:
        """A piece of its mask and payload."""

    def end(self, first: int) -> None:
        """It was the last."""

    @property
    def at_boundary(self) -> bool:
        return not self._missing and not self._head

    def feed(self, piece: bytes) -> bool:
        """Follow the stream; True if there is data that counts in this piece of it."""
        position, any_data = 0, False
        while position < len(piece):
            if self._missing:
                step = min(self._missing, len(piece) - position)
                self._missing -= step
                if self.reads:
                    self.take(piece[position : position + step])
                    if not self._missing:
                        self.end(self._first)
                position += step
            else:
                self._head.append(piece[position])
                position += 1
                if not self._ends_head():
                    continue
            any_data = any_data or self._is_data
        if any_data and self._on_data:
            self._on_data()
        return any_data

    def _ends_head(self) -> bool:
        head = self._head
        if len(head) < 2:
            return False
        length, mask = head[1] & 0x7F, 4 if head[1] & 0x80 else 0
        extended = {126: 2, 127: 8}.get(length, 0)
        if len(head) < 2 + extended:
            return False
        if extended:
            length = int.from_bytes(head[2:])
        is_counted = not self._ignored_bytes or length > self._ignored_bytes
        self._is_data = head[0] & 0x0F < CONTROL and is_counted
        self._missing = length + mask
        self._first = head[0]
        head.clear()
        if self.reads:
            self.begin(self._first)
        return True
