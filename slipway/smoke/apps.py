"""Every app, opened as its own client would: its page, then its websocket."""

import asyncio
import json
import struct
import uuid
from collections.abc import Awaitable, Callable

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from slipway.model.apps import App
from slipway.smoke.kernels import kernel
from slipway.smoke.report import Failure, NotApplicable
from slipway.smoke.visitor import ClientConnection, Visitor

ANSWER_SECONDS = 30


async def page(visitor: Visitor, name: str, app: App) -> str:
    """The app's page. Raises Failure with the command that ran and its last lines."""
    answer = await visitor.get(f"{visitor.prefix}{app.url_path(name)}")
    return f"200 at {answer.request.url.path}"


async def exchange(visitor: Visitor, name: str, app: App) -> str:
    """A message to the app and its answer, over the websocket that its page would open."""
    try:
        async with asyncio.timeout(2 * ANSWER_SECONDS):
            return await _EXCHANGES.get(_kind(app), _any_websocket)(visitor, name, app)
    except InvalidStatus as error:
        status = error.response.status_code
        raise Failure(f"its websocket was refused with {status}") from error
    except ConnectionClosed as error:
        raise Failure(f"its websocket was cut: {error}") from error
    except TimeoutError:
        raise Failure("its websocket is open, and nothing comes through it") from None


def _kind(app: App) -> str:
    return str(getattr(app, "kind", ""))


async def _jupyter(visitor: Visitor, name: str, app: App) -> str:
    async with kernel(visitor) as running:
        result = await running.run("print(6 * 7)", ANSWER_SECONDS)
    if result.text != "42\n":
        raise Failure(f"its kernel answered {result.text!r} {result.error}")
    return "its kernel computed what it was asked to"


_CONTROL = 2
_HEADER = struct.Struct(">BIII")
"""Type, id, acknowledged id, length: VS Code's src/vs/base/parts/ipc/common/ipc.net.ts"""


async def _vscode(visitor: Visitor, name: str, app: App) -> str:
    query = f"reconnectionToken={uuid.uuid4()}&reconnection=false&skipWebSocketFrames=false"
    path = f"{visitor.prefix}{app.url_path(name)}?{query}"
    hello = json.dumps({"type": "auth", "auth": "0" * 20, "data": "hello"}).encode()
    async with visitor.websocket(path) as socket:
        await socket.send(_HEADER.pack(_CONTROL, 0, 0, len(hello)) + hello)
        received = b""
        while len(received) < _HEADER.size or len(received) < _HEADER.size + _length(received):
            part = await socket.recv()
            received += part if isinstance(part, bytes) else part.encode()
    told = json.loads(received[_HEADER.size : _HEADER.size + _length(received)])
    if told.get("type") != "sign":
        raise Failure(f"the editor answered {told.get('type')!r} to a greeting")
    return "the editor answered the workbench's greeting"


def _length(received: bytes) -> int:
    return int(_HEADER.unpack(received[: _HEADER.size])[3])


_RERUN = b"\x5a\x00"
"""A BackMsg whose rerun_script is empty: streamlit/proto/BackMsg.proto"""
_FINISHED = 6
"""ForwardMsg.script_finished; 0 is success: streamlit/proto/ForwardMsg.proto"""


async def _streamlit(visitor: Visitor, name: str, app: App) -> str:
    path = f"{visitor.prefix}{app.url_path(name)}_stcore/stream"
    async with visitor.websocket(path, subprotocols=[Subprotocol("streamlit")]) as socket:
        await socket.send(_RERUN)
        while True:
            message = await socket.recv()
            if isinstance(message, bytes):
                for field, value in protobuf_fields(message):
                    if field == _FINISHED and value == 0:
                        return "the script ran to its end"
                    if field == _FINISHED:
                        raise Failure(f"the script does not compile (status {value!r})")


def protobuf_fields(message: bytes) -> list[tuple[int, int | bytes]]:
    """Numbers and values of a message's own fields, whatever their meaning.

    https://protobuf.dev/programming-guides/encoding/ Raises ValueError.
    """
    found: list[tuple[int, int | bytes]] = []
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        if key & 7 == 0:
            number, at = _varint(message, at)
            found.append((key >> 3, number))
            continue
        size = {1: 8, 5: 4}.get(key & 7)
        if key & 7 == 2:
            size, at = _varint(message, at)
        if size is None or at + size > len(message):
            raise ValueError("not a protobuf message")
        found.append((key >> 3, message[at : at + size]))
        at += size
    return found


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(message):
        value |= (message[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if not message[at - 1] & 0x80:
            return value, at
    raise ValueError("a number without an end")


async def _shiny(visitor: Visitor, name: str, app: App) -> str:
    path = f"{visitor.prefix}{app.url_path(name)}websocket/"
    async with visitor.websocket(path) as socket:
        await socket.send(json.dumps({"method": "init", "data": {}}))
        while "config" not in json.loads(await socket.recv()):
            pass
    return "the session was configured"


async def _http_only(visitor: Visitor, name: str, app: App) -> str:
    raise NotApplicable(f"the pages of {app.default_title} open none")


async def _any_websocket(visitor: Visitor, name: str, app: App) -> str:
    """A ping and its pong, where the catalog says there is a websocket, or at the app's address.

    An app without one there has nothing to show; one that accepts and closes is cut.
    """
    told: str | None = getattr(app, "websocket", None)
    path = app.url_path(name).rstrip("/") + (told or "/")
    try:
        async with visitor.websocket(visitor.prefix + path) as socket:
            await _pong(socket)
    except InvalidStatus as error:
        if told:
            raise
        said = f"it answered {error.response.status_code} to a websocket at {path}"
        raise NotApplicable(f"{said}; `websocket:` in the catalog names another path") from error
    return f"its websocket at {path} answered a ping"


async def _pong(socket: ClientConnection) -> None:
    await (await socket.ping())
    # What accepts, answers and then closes is no connection to work with.
    try:
        await asyncio.wait_for(socket.recv(), 1)
    except TimeoutError:
        await (await socket.ping())


Exchange = Callable[[Visitor, str, App], Awaitable[str]]
_EXCHANGES: dict[str, Exchange] = {
    "jupyterlab": _jupyter,
    "notebook": _jupyter,
    "code-server": _vscode,
    "streamlit": _streamlit,
    "shiny": _shiny,
    "rstudio": _http_only,
    "tensorboard": _http_only,
}
"""By kind; what is not here is any app."""
