"""The way from a rehearsal to its registries, and to nothing else.

An HTTPS proxy on loopback. Whoever asks it for `ACCOUNT.dkr.ecr.REGION.amazonaws.com` of a
rehearsed environment gets a TLS connection that ends here, and answers of the emulated Amazon ECR.
Any other host is refused: nothing here opens a connection that leaves this machine.
"""

import ssl
import threading
from collections.abc import Iterable
from contextlib import closing
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import trustme

OWN_HEADERS = frozenset(["connection", "content-length", "date", "server", "transfer-encoding"])
"""Of an answer: written anew."""
LOGIN = 'Basic realm="rehearsal",service="ecr.amazonaws.com"'
"""As Amazon ECR asks for one."""


class Gateway:
    """Listens on a free loopback port. `emulator` is the emulator's port."""

    def __init__(self, folder: Path, hosts: Iterable[str], emulator: int) -> None:
        self.hosts, self.emulator = frozenset(hosts), emulator
        folder.mkdir(parents=True, exist_ok=True)
        authority = trustme.CA()
        self.ca = folder / "certificate.pem"
        authority.cert_pem.write_to_path(self.ca)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1", *sorted(self.hosts)).configure_cert(self.context)
        handler = type("Handler", (_Handler,), {"gateway": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    gateway: Gateway
    protocol_version = "HTTP/1.1"
    host = ""
    """The registry, after a connection to it was asked for."""

    def do_CONNECT(self) -> None:
        host, _, port = self.path.rpartition(":")
        if self.host or host not in self.gateway.hosts or port != "443":
            self.send_error(403, "a rehearsal leads nowhere else")
            return
        self.send_response_only(200)
        self.end_headers()
        self.request = self.gateway.context.wrap_socket(self.connection, server_side=True)
        self.setup()  # reads and writes through TLS from here on
        self.host, self.close_connection = host, False

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not self.host:
            self.send_error(403, "a rehearsal leads nowhere else")
        elif "Authorization" not in self.headers:
            self._answer(401, [("WWW-Authenticate", LOGIN)], b"")
        elif "/referrers/" in self.path:
            self._answer(404, [], b"")  # an API that the emulator lacks
        else:
            self._answer(*self._forward(body))

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815

    def finish(self) -> None:
        super().finish()
        self.request.close()

    def log_message(self, format: str, *arguments: Any) -> None:
        pass

    def _forward(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        """The emulator's answer. It tells registries apart by the Host header."""
        passed = ("Accept", "Content-Type", "Range")
        given = {name: self.headers.get_all(name) or [] for name in passed}
        headers = {name: ", ".join(values) for name, values in given.items() if values}
        with closing(HTTPConnection("127.0.0.1", self.gateway.emulator, timeout=60)) as emulator:
            emulator.request(self.command, self.path, body, {**headers, "Host": self.host})
            answer = emulator.getresponse()
            return answer.status, answer.getheaders(), answer.read()

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in OWN_HEADERS:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
