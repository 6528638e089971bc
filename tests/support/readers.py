"""Readers of HTTP/1.1: each says into which requests, or answers, it cuts a stream of bytes.

`exact` takes nothing but what every reader takes alike. The others are those of programs on the way
between a browser and an app, or of apps: Tornado (Jupyter, the hub), llhttp (Node:
configurable-http-proxy, VS Code), h11 (uvicorn: Streamlit).
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import h11
import httptools
from tornado.http1connection import HTTP1ServerConnection
from tornado.httpserver import HTTPServer
from tornado.httputil import (
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    ResponseStartLine,
)
from tornado.netutil import bind_sockets


class Cut(NamedTuple):
    what: str
    """A request's method and target, an answer's status."""
    body: bytes


class NotExactError(ValueError):
    """Some readers would take it, or take it for something else."""


_REQUEST = re.compile(rb"([A-Z]+) (/[\x21-\x7e]*) HTTP/1\.1")
_ANSWER = re.compile(rb"HTTP/1\.1 ([2-9][0-9]{2}) [\t\x20-\x7e\x80-\xff]*")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): *([\t\x20-\x7e\x80-\xff]*)")
_WITHOUT_BODY = ("204", "304")


def exact(stream: bytes) -> tuple[list[Cut], bytes]:
    """The requests of a stream, and what is not whole yet. Raises NotExactError."""
    return _cut(stream, lambda _, line: b" ".join(_matched(_REQUEST, line).groups()).decode())


def exact_answers(stream: bytes, methods: list[str]) -> tuple[list[Cut], bytes]:
    """The answers to requests of these methods, and what is not whole. Raises NotExactError."""

    def status(position: int, line: bytes) -> str:
        if position >= len(methods):
            raise NotExactError(f"an answer to nothing: {line!r}")
        found = _matched(_ANSWER, line)[1].decode()
        return f"{found} " if methods[position] == "HEAD" or found in _WITHOUT_BODY else found

    return _cut(stream, status)


def _cut(stream: bytes, what: Callable[[int, bytes], str]) -> tuple[list[Cut], bytes]:
    cuts: list[Cut] = []
    while b"\r\n\r\n" in stream:
        head, _, rest = stream.partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        said = what(len(cuts), first)
        fields = [(m[1].lower(), m[2].strip()) for m in (_matched(_FIELD, li) for li in lines)]
        whole = (b"", rest) if said.endswith(" ") else _body(fields, rest, said.isdigit())
        if whole is None:
            break
        cuts.append(Cut(said.strip(), whole[0]))
        stream = whole[1]
    return cuts, stream


def _matched(pattern: re.Pattern[bytes], line: bytes) -> re.Match[bytes]:
    found = pattern.fullmatch(line)
    if not found:
        raise NotExactError(repr(line))
    return found


def _body(
    fields: list[tuple[bytes, bytes]], rest: bytes, is_answer: bool
) -> tuple[bytes, bytes] | None:
    framing = [f for f in fields if f[0] in (b"content-length", b"transfer-encoding")]
    if len(framing) > 1 or (not is_answer and len([f for f in fields if f[0] == b"host"]) != 1):
        raise NotExactError(repr(fields))
    if not framing:
        return None if is_answer else (b"", rest)
    name, value = framing[0]
    if name == b"content-length":
        if not re.fullmatch(rb"[0-9]{1,18}", value):
            raise NotExactError(repr(value))
        length = int(value)
        return (rest[:length], rest[length:]) if len(rest) >= length else None
    if value != b"chunked":
        raise NotExactError(repr(value))
    return _chunks(rest)


def _chunks(rest: bytes) -> tuple[bytes, bytes] | None:
    body = b""
    while b"\r\n" in rest:
        line, _, rest = rest.partition(b"\r\n")
        if not re.fullmatch(rb"[0-9a-f]{1,8}", line):
            raise NotExactError(repr(line))
        length = int(line, 16)
        if len(rest) < length + 2:
            return None
        if rest[length : length + 2] != b"\r\n":
            raise NotExactError(repr(rest[:40]))
        body, rest = body + rest[:length], rest[length + 2 :]
        if not length:
            return body, rest
    return None


class _Llhttp:
    def __init__(self) -> None:
        self.cuts: list[Cut] = []
        self.parser: Any = None
        self.on_message_begin()

    def on_message_begin(self) -> None:
        self.url = self.body = b""

    def on_url(self, piece: bytes) -> None:
        self.url += piece

    def on_body(self, piece: bytes) -> None:
        self.body += piece

    def on_message_complete(self) -> None:
        method = self.parser.get_method().decode()
        self.cuts.append(Cut(f"{method} {self.url.decode('latin1')}", self.body))


def llhttp(stream: bytes) -> list[Cut]:
    """Until it takes no more."""
    reader = _Llhttp()
    reader.parser = httptools.HttpRequestParser(reader)
    with suppress(httptools.HttpParserError, httptools.HttpParserUpgrade):
        reader.parser.feed_data(stream)
    return reader.cuts


def with_h11(stream: bytes) -> list[Cut]:
    """Until it takes no more."""
    cuts: list[Cut] = []
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(stream)
    what, body = "", b""
    with suppress(h11.ProtocolError):
        while (event := connection.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
            if isinstance(event, h11.Request):
                what, body = f"{event.method.decode()} {event.target.decode('latin1')}", b""
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                cuts.append(Cut(what, body))
                connection.send(h11.Response(status_code=204, headers=[]))
                connection.send(h11.EndOfMessage())
                connection.start_next_cycle()
            else:
                break
    return cuts


class References:
    """Tornado and Node as servers that answer everything, and remember what was asked."""

    def __init__(self) -> None:
        self.tornado: dict[int, list[Cut]] = {}
        """By the client's port."""
        self._node: dict[int, asyncio.Future[list[Cut]]] = {}
        self.tornado_port = self.node_port = 0

    async def of_node(self, port: int) -> list[Cut]:
        """What the client at that port has asked Node for; once it has gone."""
        try:
            return await self._told(port)
        finally:
            del self._node[port]  # the system may give the port to another client

    def _told(self, port: int) -> "asyncio.Future[list[Cut]]":
        return self._node.setdefault(port, asyncio.get_running_loop().create_future())

    async def read_node(self, output: asyncio.StreamReader) -> None:
        while line := await output.readline():
            said = json.loads(line)
            cuts = [Cut(c["what"], bytes.fromhex(c["body"])) for c in said["cuts"]]
            self._told(said["port"]).set_result(cuts)


class _Message(HTTPMessageDelegate):  # type: ignore[misc]
    def __init__(self, cuts: list[Cut], connection: Any) -> None:
        self._cuts, self._connection, self._body = cuts, connection, b""

    def headers_received(self, start_line: Any, headers: HTTPHeaders) -> None:
        self._what = f"{start_line.method} {start_line.path}"

    def data_received(self, chunk: bytes) -> None:
        self._body += chunk

    def finish(self) -> None:
        self._cuts.append(Cut(self._what, self._body))
        head = HTTPHeaders({"Content-Length": "0"})
        self._connection.write_headers(ResponseStartLine("HTTP/1.1", 200, "OK"), head)
        self._connection.finish()


class _Remembering(HTTPServerConnectionDelegate):  # type: ignore[misc]
    def __init__(self, references: References) -> None:
        self._references = references
        self._ports: dict[HTTP1ServerConnection, int] = {}

    def start_request(self, server: HTTP1ServerConnection, connection: Any) -> _Message:
        # Of a connection that it has closed, Tornado still reads what has come.
        if server not in self._ports:
            self._ports[server] = server.stream.socket.getpeername()[1]
        cuts = self._references.tornado.setdefault(self._ports[server], [])
        return _Message(cuts, connection)

    def on_close(self, server: HTTP1ServerConnection) -> None:
        self._ports.pop(server, None)


NODE = """
const http = require("http");
const cuts = new Map();
const say = (request, body) => cuts.get(request.socket).push(
  {what: `${request.method} ${request.url}`, body: Buffer.concat(body).toString("hex")});
const server = http.createServer((request, response) => {
  const body = [];
  request.on("data", piece => body.push(piece));
  request.on("end", () => { say(request, body); response.end(); });
});
server.on("upgrade", (request, socket) => { say(request, []); socket.end(); });
server.on("connection", socket => {
  const port = socket.remotePort;
  cuts.set(socket, []);
  socket.on("error", () => {});
  socket.on("close", () => {
    console.log(JSON.stringify({port, cuts: cuts.get(socket)}));
  });
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
"""


@asynccontextmanager
async def references(node: Path) -> AsyncIterator[References]:
    found = References()
    server = HTTPServer(_Remembering(found))
    sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    found.tornado_port = sockets[0].getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        str(node), "-e", NODE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    found.node_port = int(await process.stdout.readline())
    reading = asyncio.ensure_future(found.read_node(process.stdout))
    try:
        yield found
    finally:
        reading.cancel()
        process.kill()
        await process.wait()
        server.stop()
        await server.close_all_connections()
