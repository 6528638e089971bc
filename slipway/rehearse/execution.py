"""`kubectl exec` on the emulated Kubernetes API: the command is done elsewhere, and reported.

https://kubernetes.io/blog/2024/08/20/websockets-transition/
"""

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

from websockets.datastructures import Headers
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

SUBPROTOCOL = Subprotocol("v5.channel.k8s.io")
SUCCESS = b'\x03{"metadata":{},"status":"Success"}'
"""On the channel for errors."""


def run(request: BaseHTTPRequestHandler, command: Callable[[], None]) -> None:
    """Upgrade to a websocket, call `command`, and report success."""
    websocket = ServerProtocol(subprotocols=[SUBPROTOCOL])
    headers = Headers(request.headers.items())
    websocket.send_response(websocket.accept(Request(request.path, headers)))
    _write(request, websocket)
    command()
    websocket.send_binary(SUCCESS)
    websocket.send_close(1000)
    _write(request, websocket)
    request.close_connection = True


def _write(request: BaseHTTPRequestHandler, websocket: ServerProtocol) -> None:
    for data in websocket.data_to_send():
        request.wfile.write(data)
    request.wfile.flush()
