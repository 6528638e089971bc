"""A web application that does what a test asks of it, right or wrong.

`python -m tests.support.any_app HTTP_SOCKET WEBSOCKET_SOCKET` listens on two unix sockets. HTTP is
spoken by hand, so that it can also be spoken badly.
"""

import asyncio
import base64
import json
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.server import ServerConnection, unix_serve
from websockets.typing import Subprotocol

PIECE = b"x" * 65536


@dataclass
class Request:
    method: str
    target: str
    headers: list[list[str]]
    reader: asyncio.StreamReader

    def header(self, name: str) -> str:
        return next((v for n, v in self.headers if n.lower() == name), "")

    async def body(self) -> AsyncIterator[bytes]:
        if self.header("transfer-encoding") == "chunked":
            while length := int(await self.reader.readline(), 16):
                yield await self.reader.readexactly(length)
                await self.reader.readexactly(2)
            await self.reader.readline()
        else:
            left = int(self.header("content-length") or 0)
            while left:
                piece = await self.reader.read(min(left, 65536))
                if not piece:
                    return
                left -= len(piece)
                yield piece


@dataclass
class AnyApp:
    connections: int = 0
    begun: int = 0
    """Exchanges that wait for something: /drip and /silent."""
    broken_off: int = 0
    """Exchanges whose client went before they were over."""
    received: int = 0
    """Bytes of uploads."""
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while request := await self.next_request(reader):
                await self.answer(request, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.broken_off += 1
        except _Close:
            pass
        finally:
            writer.close()

    async def next_request(self, reader: asyncio.StreamReader) -> Request | None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return None
        first, *lines = head.decode("latin1").split("\r\n")[:-2]
        method, target, _ = first.split(" ")
        return Request(method, target, [line.split(": ", 1) for line in lines], reader)

    async def answer(self, request: Request, writer: asyncio.StreamWriter) -> None:
        name, _, argument = request.target.partition("?")[0].strip("/").partition("/")
        route = getattr(self, f"do_{name.replace('-', '_')}", self.do_echo)
        await route(request, writer, argument)
        await writer.drain()

    async def do_echo(self, request: Request, writer: asyncio.StreamWriter, _: str) -> None:
        length = sum([len(piece) async for piece in request.body()])
        reply(
            writer,
            {
                "method": request.method,
                "target": request.target,
                "headers": request.headers,
                "length": length,
            },
        )

    async def do_state(self, request: Request, writer: asyncio.StreamWriter, _: str) -> None:
        reply(
            writer,
            {
                "connections": self.connections,
                "begun": self.begun,
                "broken_off": self.broken_off,
                "received": self.received,
            },
        )

    async def do_bytes(self, request: Request, writer: asyncio.StreamWriter, size: str) -> None:
        left = int(size)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % left)
        while left:
            piece = PIECE[:left]
            left -= len(piece)
            writer.write(piece)
            await writer.drain()

    async def do_drip(self, request: Request, writer: asyncio.StreamWriter, kind: str) -> None:
        """One piece, and a second when /open-gate is asked for."""
        self.gate.clear()
        self.begun += 1
        head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2"
        writer.write(f"{head}\r\nContent-Type: {kind or 'text/plain'}\r\n\r\n".encode())
        writer.write(b"5\r\nfirst\r\n")
        await writer.drain()
        watch = asyncio.ensure_future(request.reader.read(1))
        opened = asyncio.ensure_future(self.gate.wait())
        await asyncio.wait((watch, opened), return_when=asyncio.FIRST_COMPLETED)
        if watch.done():
            raise ConnectionError
        watch.cancel()
        writer.write(b"6\r\nsecond\r\n0\r\n\r\n")
        await writer.drain()
        raise _Close

    async def do_open_gate(self, request: Request, writer: asyncio.StreamWriter, _: str) -> None:
        self.gate.set()
        reply(writer, {})

    async def do_upload(self, request: Request, writer: asyncio.StreamWriter, how: str) -> None:
        if how == "gated":
            self.gate.clear()
        count = 0
        async for piece in request.body():
            count += len(piece)
            self.received += len(piece)
            if how == "gated":
                await self.gate.wait()
        reply(writer, {"length": count})

    async def do_refuse(self, request: Request, writer: asyncio.StreamWriter, _: str) -> None:
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 8\r\n\r\ntoo much")
        await writer.drain()
        raise _Close

    async def do_redirect(self, request: Request, writer: asyncio.StreamWriter, _: str) -> None:
        to = base64.urlsafe_b64decode(request.target.partition("?")[2]).decode()
        writer.write(f"HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode())

    async def do_raw(self, request: Request, writer: asyncio.StreamWriter, code: str) -> None:
        """Whatever bytes, then the end."""
        writer.write(base64.urlsafe_b64decode(code))
        await writer.drain()
        raise _Close

    async def do_kept(self, request: Request, writer: asyncio.StreamWriter, code: str) -> None:
        """Whatever bytes, and the connection stays open."""
        writer.write(base64.urlsafe_b64decode(code))

    async def do_flood(self, request: Request, writer: asyncio.StreamWriter, kind: str) -> None:
        """Headers, trailers or 1xx answers without end."""
        writer.write(
            {
                "headers": b"HTTP/1.1 200 OK\r\n",
                "header": b"HTTP/1.1 200 OK\r\nX-Long: ",
                "trailers": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
                "1xx": b"",
            }[kind]
        )
        line = {"1xx": b"HTTP/1.1 102 Processing\r\n\r\n", "header": b"y" * 50}
        while True:
            writer.write(line.get(kind, b"X-More: and more\r\n") * 1000)
            await writer.drain()

    async def do_silent(self, request: Request, writer: asyncio.StreamWriter, _: str) -> None:
        self.begun += 1
        await request.reader.read(1)
        raise ConnectionError


class _Close(Exception):  # noqa: N818
    pass


def reply(writer: asyncio.StreamWriter, value: Any) -> None:
    body = json.dumps(value).encode()
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
    writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        if message == "who":
            await connection.send(json.dumps(sorted(connection.request.headers.raw_items())))
        else:
            await connection.send(message)


def choose(_: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    return Subprotocol("second") if "second" in offered else None


async def main(http: str, websocket: str) -> None:
    async with (
        await asyncio.start_unix_server(AnyApp().serve, http, limit=2**20),
        unix_serve(echo, websocket, max_size=None, select_subprotocol=choose),
    ):
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
