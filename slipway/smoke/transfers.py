"""How bytes come through hub, proxy and server from a port of the user's own."""

from slipway.smoke.kernels import Kernel
from slipway.smoke.report import Failure
from slipway.smoke.visitor import Visitor, culprit

LARGE = 128 * 2**20
"""Bytes: jupyter-server-proxy as it is fails above 100 MiB."""
PIECE = bytes(range(256)) * 4096


async def listen(running: Kernel) -> int:
    return int(await running.call("listener", "listen('127.0.0.1')"))


async def download(visitor: Visitor, port: int) -> str:
    """A large answer arrives whole."""
    path, got, wrong = f"{visitor.prefix}/proxy/{port}/bytes/{LARGE}", 0, False
    async with visitor.client.stream("GET", path) as answer:
        if answer.status_code != 200:
            await answer.aread()
            raise Failure(culprit(answer))
        async for piece in answer.aiter_raw(len(PIECE)):
            wrong = wrong or piece != PIECE[: len(piece)]
            got += len(piece)
    if wrong or got != LARGE:
        raise Failure(f"{got:,} bytes of {LARGE:,} arrived{', changed' if wrong else ''}")
    return f"{got / 2**20:.0f} MiB arrived whole"


async def streaming(visitor: Visitor, port: int) -> str:
    """The first bytes of an answer arrive before its end: the app ends it only when it is told to,
    and that is after they are here."""
    base = f"{visitor.prefix}/proxy/{port}"
    async with visitor.client.stream("GET", f"{base}/gated") as answer:
        if answer.status_code != 200:
            await answer.aread()
            raise Failure(culprit(answer))
        pieces = answer.aiter_raw()
        first = await anext(pieces, b"")
        await visitor.get(f"{base}/open")
        whole = first + b"".join([piece async for piece in pieces])
    if (first, whole) != (b"first", b"firstsecond"):
        raise Failure(f"arrived as {first[:20]!r} and {whole[len(first) :][:20]!r}")
    return "the first bytes arrived before the last were sent"
