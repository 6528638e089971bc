"""Speaking VS Code's own protocol, so that a websocket is known to lead into the editor."""

import json
import struct
import uuid

from websockets.sync.client import ClientConnection, connect

from tests.support.local import User

_CONTROL = 2
_HEADER = struct.Struct(">BIII")
"""Type, id, acknowledged id, length: src/vs/base/parts/ipc/common/ipc.net.ts"""


def management(user: User, path: str) -> ClientConnection:
    """A management connection of the workbench at `path`, over the websocket that it opens."""
    url = user.hub.url.replace("http://", "ws://", 1).rstrip("/") + path
    token = uuid.uuid4()
    return connect(
        f"{url}?reconnectionToken={token}&reconnection=false&skipWebSocketFrames=false",
        additional_headers=headers(user, path),
        open_timeout=20,
    )


def headers(user: User, path: str) -> dict[str, str]:
    """What a browser of the user sends when it opens a websocket at `path`."""
    jar = user.client.cookies.jar
    cookies = "; ".join(f"{c.name}={c.value}" for c in jar if path.startswith(c.path))
    return {"Cookie": cookies, "Origin": user.hub.url.rstrip("/")}


def greet(connection: ClientConnection) -> str:
    """Send the first message of a workbench; return the kind of what the server answers."""
    body = json.dumps({"type": "auth", "auth": "00000000000000000000", "data": "hello"}).encode()
    connection.send(_HEADER.pack(_CONTROL, 0, 0, len(body)) + body)
    received = b""
    while (
        len(received) < _HEADER.size
        or len(received) < _HEADER.size + _HEADER.unpack(received[: _HEADER.size])[3]
    ):
        part = connection.recv(timeout=20)
        received += part if isinstance(part, bytes) else part.encode()
    kind, _, _, length = _HEADER.unpack(received[: _HEADER.size])
    assert kind == _CONTROL, received
    return str(json.loads(received[_HEADER.size : _HEADER.size + length])["type"])
