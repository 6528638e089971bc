"""`kubectl exec` on the stand-in: the command is taken as done.

https://kubernetes.io/blog/2024/08/20/websockets-transition/
"""

import base64
import hashlib
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

PROTOCOL = "v5.channel.k8s.io"
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455
ERROR_CHANNEL = b"\x03"
SUCCESS = b'{"metadata":{},"status":"Success"}'
BINARY, CLOSE, WHOLE = 0x2, 0x8, 0x80


def run(request: BaseHTTPRequestHandler, act: Callable[[], None]) -> None:
    """Upgrade to a websocket, `act`, and report success."""
    key = request.headers["Sec-WebSocket-Key"]
    accept = hashlib.sha1((key + GUID).encode(), usedforsecurity=False).digest()
    request.send_response(101)
    for name, value in (
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Accept", base64.b64encode(accept).decode()),
        ("Sec-WebSocket-Protocol", PROTOCOL),
    ):
        request.send_header(name, value)
    request.end_headers()
    act()
    _send(request, BINARY, ERROR_CHANNEL + SUCCESS)
    _send(request, CLOSE, (1000).to_bytes(2))
    request.close_connection = True


def _send(request: BaseHTTPRequestHandler, kind: int, content: bytes) -> None:
    request.wfile.write(bytes([WHOLE | kind, len(content)]) + content)
    request.wfile.flush()
