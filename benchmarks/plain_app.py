"""The app behind the data path's benchmark: as little of its own as possible.

`python -m benchmarks.plain_app SOCKET WEBSOCKET_SOCKET` prints the TCP port on which it listens
besides. `/` is 1 kB, `/bytes/N` are N bytes, and an upload is counted.
"""

import asyncio
import re
import sys

from websockets.asyncio.server import ServerConnection, unix_serve

BODY = b"x" * 1024
PIECE = b"y" * 65536
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n"
SMALL = HEAD % len(BODY) + BODY
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class App(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.buffer = b""
        self.upload = self.missing = 0
        self.writable = asyncio.Event()
        self.writable.set()

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    def data_received(self, data: bytes) -> None:
        if self.missing:
            self.missing -= len(data)
            if not self.missing:
                self.reply(b"%d" % self.upload)
            return
        self.buffer += data
        head, separator, rest = self.buffer.partition(b"\r\n\r\n")
        if separator:
            self.buffer = b""
            self.answer(head, rest)

    def answer(self, head: bytes, rest: bytes) -> None:
        target = head.split(b" ", 2)[1]
        length = LENGTH.search(head)
        if length and int(length[1]):
            self.upload = int(length[1])
            self.missing = self.upload - len(rest)
        elif target.startswith(b"/bytes/"):
            self.download = asyncio.ensure_future(self.send(int(target.rpartition(b"/")[2])))
        else:
            self.transport.write(SMALL)

    def reply(self, body: bytes) -> None:
        self.transport.write(HEAD % len(body) + body)

    async def send(self, size: int) -> None:
        self.transport.write(HEAD % size)
        for _ in range(size // len(PIECE)):
            await self.writable.wait()
            self.transport.write(PIECE)


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def main(http: str, websocket: str) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(App, "127.0.0.1", 0)
    await loop.create_unix_server(App, http)
    async with unix_serve(echo, websocket, max_size=None):
        print(server.sockets[0].getsockname()[1], flush=True)
        await loop.create_future()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
