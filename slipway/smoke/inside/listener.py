"""A small web server of the user's own, in a thread of the kernel."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GATE = threading.Event()
PIECE = bytes(range(256)) * 4096


class Listener(BaseHTTPRequestHandler):
    """`/bytes/N`; `/gated`, in two pieces, the second after a request of `/open`."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        what, _, argument = self.path.strip("/").partition("/")
        if what == "bytes":
            self.send_bytes(int(argument))
        elif what == "gated":
            self.send_gated()
        else:
            GATE.set()
            self.send_bytes(0)

    def send_bytes(self, left: int) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(left))
        self.end_headers()
        while left:
            piece = PIECE[:left]
            self.wfile.write(piece)
            left -= len(piece)

    def send_gated(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"5\r\nfirst\r\n")
        self.wfile.flush()
        GATE.wait(60)
        self.wfile.write(b"6\r\nsecond\r\n0\r\n\r\n")

    def log_message(self, format: str, *arguments: object) -> None:
        """Silent: this is printed into the kernel's output."""


def listen(host: str) -> int:
    """The port."""
    server = ThreadingHTTPServer((host, 0), Listener)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port
