"""One HTTP exchange with an app: a request, its body if it has one, and the answer."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from slipway_datapath.transport import Answer, AppAddress, AppError, Connection, Connections

_REPEATABLE = frozenset(("GET", "HEAD", "OPTIONS"))


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


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    """Path and query, as they go over the wire."""
    fields: list[tuple[str, str]]
    upload: Upload | None = None
    length: int | None = None
    """Of the body, as far as the client has said it: None for no body, or for one of any length."""

    @property
    def chunked(self) -> bool:
        return self.upload is not None and self.length is None

    @property
    def framing(self) -> list[tuple[str, str]]:
        """What tells the app where the request ends."""
        if self.chunked:
            return [("Transfer-Encoding", "chunked")]
        return [] if self.length is None else [("Content-Length", str(self.length))]


async def send_request(
    connections: Connections, address: AppAddress, request: Request, timeout: float
) -> Answer:
    """The answer to a request, once its headers are there; to be released after use.

    Raises AppError, or TimeoutError when `timeout` seconds have passed since the last byte of the
    request.
    """
    connection = await connections.take(address)
    try:
        return await _exchange(connection, request, timeout)
    except AppError:
        if not connection.used or request.upload or request.method not in _REPEATABLE:
            raise
    # The app may have closed a kept connection at the same moment.
    return await _exchange(await connections.take(address, fresh=True), request, timeout)


async def _exchange(connection: Connection, request: Request, timeout: float) -> Answer:
    answer = connection.begin(request.method, request.target, request.fields + request.framing)
    try:
        if request.upload:
            answer.send(_send(connection, request, answer, timeout))
        else:
            answer.expect_within(timeout)
        await answer.start()
    except BaseException:
        answer.release()
        raise
    return answer


async def _send(connection: Connection, request: Request, answer: Answer, timeout: float) -> None:
    assert request.upload is not None
    await connection.send_body(request.upload, request.chunked)
    answer.expect_within(timeout)
