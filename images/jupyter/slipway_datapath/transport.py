"""One HTTP exchange with an app: request and answer pass as they come, the connection is kept."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
from multidict import CIMultiDict
from yarl import URL

KEPT_SECONDS = 4.0
"""How long an unused connection is kept: less than the 5 s of Node, uvicorn and others, so that a
request rarely meets a connection that its app is about to close."""
MAX_HEADER_BYTES = 64 * 1024
MAX_HEADERS = 1000


class Upload:
    """A request's body on its way: at most one piece that is read and not yet sent.

    Whoever reads the client waits in `put` until the app has taken the piece before.
    """

    def __init__(self) -> None:
        self._pieces: asyncio.Queue[bytes] = asyncio.Queue(1)
        self._unwanted = False
        self.received = asyncio.Event()
        """The client has sent all of it."""

    async def put(self, piece: bytes) -> None:
        if not self._unwanted:
            await self._pieces.put(piece)

    async def end(self) -> None:
        self.received.set()
        await self.put(b"")

    def discard(self) -> None:
        """The app wants no more of it: let the client send the rest into nothing."""
        self._unwanted = True
        while not self._pieces.empty():
            self._pieces.get_nowait()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while piece := await self._pieces.get():
            yield piece


class Clients:
    """An HTTP client per unix socket, and one for all ports."""

    def __init__(self, connect_timeout: float) -> None:
        self._timeout = aiohttp.ClientTimeout(total=None, connect=connect_timeout)
        self._clients: dict[str, aiohttp.ClientSession] = {}

    def to(self, unix_socket: str | None) -> aiohttp.ClientSession:
        key = unix_socket or ""
        client = self._clients.get(key)
        if client is None or client.closed:
            client = self._clients[key] = self._open(unix_socket)
        return client

    def _open(self, unix_socket: str | None) -> aiohttp.ClientSession:
        # No limit: an app's long polls must not keep its other requests waiting.
        options: dict[str, Any] = {"limit": 0, "keepalive_timeout": KEPT_SECONDS}
        connector = (
            aiohttp.UnixConnector(unix_socket, **options)
            if unix_socket
            else aiohttp.TCPConnector(**options)
        )
        return aiohttp.ClientSession(
            connector=connector,
            timeout=self._timeout,
            # What the browser did not say is not said for it, and what it packed stays packed.
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            max_line_size=MAX_HEADER_BYTES,
            max_field_size=MAX_HEADER_BYTES,
            max_headers=MAX_HEADERS,
        )


async def send(
    client: aiohttp.ClientSession,
    method: str,
    url: str,
    headers: list[tuple[str, str]],
    upload: Upload | None,
    patience: float,
) -> aiohttp.ClientResponse:
    """Send a request and return the answer as soon as its headers are there.

    Raises aiohttp.ClientError, or TimeoutError when `patience` seconds have passed since the last
    byte was sent.
    """
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(patience) as limit:

        async def watched(upload: Upload) -> AsyncIterator[bytes]:
            limit.reschedule(None)
            async for piece in upload:
                yield piece
            if not limit.expired():
                limit.reschedule(loop.time() + patience)

        return await client.request(
            method,
            URL(url, encoded=True),
            headers=CIMultiDict((name, as_utf8(value)) for name, value in headers),
            data=watched(upload) if upload else None,
            allow_redirects=False,
        )


def as_utf8(value: str) -> str:
    """Tornado reads header bytes as Latin-1 and aiohttp writes UTF-8: the same bytes, once more."""
    return value if value.isascii() else value.encode("latin1").decode(errors="replace")
