"""A stand-in for RStudio Server's `rserver`, which is in no package registry.

It keeps the part of the contract that jupyter-rsession-proxy relies on: `--help` lists the flags it
supports; it listens on `--www-socket`; `/` redirects to `auth-sign-in` below `--www-root-path`,
which sets a cookie and redirects back. What a page posts is answered with no events.
"""

import socketserver
import sys
from http.server import BaseHTTPRequestHandler

FLAGS = "www-root-path server-data-dir database-config-file www-socket auth-none server-user"


class RServer(BaseHTTPRequestHandler):
    root: str

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/auth-sign-in":
            self._redirect(self.root, cookie="user-id=stand-in; Path=/")
        elif "user-id=stand-in" not in self.headers.get("Cookie", ""):
            self._redirect(f"{self.root}auth-sign-in")
        else:
            self._answer(200, f"stand-in for rserver, asked for {self.path}".encode())

    def do_POST(self) -> None:
        """As a session answers its page: the poll for events with none."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer(200, b'{"result": []}')

    def _redirect(self, where: str, cookie: str | None = None) -> None:
        self.send_response(302)
        self.send_header("Location", where)
        if cookie:
            self.send_header("Set-Cookie", cookie)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "local"

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    if "--help" in sys.argv:
        print("\n".join(f"  --{flag}" for flag in FLAGS.split()))
    else:
        options = dict(argument.partition("=")[::2] for argument in sys.argv[1:])
        RServer.root = options["--www-root-path"]
        with socketserver.ThreadingUnixStreamServer(options["--www-socket"], RServer) as server:
            server.serve_forever()
