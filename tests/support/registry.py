"""Debian's docker-registry on a free port, and a front for it that misbehaves on request."""

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

CONFIGURATION = """\
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: "{folder}/data"}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}", secret: only-for-this-test, relativeurls: true}}
"""

CLIENT = httpx.Client(verify=False, trust_env=False)  # noqa: S501 - without TLS, on loopback


def free_port() -> int:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def registry(folder: Path) -> Iterator[str]:
    """`127.0.0.1:port` of a registry that keeps its blobs below `folder`."""
    program = shutil.which("docker-registry")
    assert program, "docker-registry is missing: apt install docker-registry"
    folder.mkdir(parents=True, exist_ok=True)
    # Somebody else may take the port before the registry does.
    for _ in range(3):
        port = free_port()
        (folder / "config.yml").write_text(CONFIGURATION.format(folder=folder, port=port))
        with (folder / "log").open("w") as log:
            process = subprocess.Popen([program, "serve", folder / "config.yml"], stderr=log)
        try:
            if _answers(f"http://127.0.0.1:{port}/v2/", process):
                yield f"127.0.0.1:{port}"
                return
        finally:
            process.terminate()
            process.wait(timeout=60)
    raise AssertionError(f"the registry does not answer: {(folder / 'log').read_text()}")


def _answers(url: str, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        try:
            httpx.get(url, timeout=2)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return True
    return False


class Front:
    """Passes requests on to a registry. `fault` may answer in its place.

    It gets the request and returns True if it has dealt with it.
    """

    def __init__(self, behind: str) -> None:
        self.behind = behind
        self.fault: Callable[[Request], bool] = lambda _: False
        self.requests: list[str] = []
        """`METHOD path` of each, in order."""
        front = self

        class Handler(Request):
            def serve(self) -> None:
                front.requests.append(f"{self.command} {self.path}")
                if not front.fault(self):
                    self.pass_on(front.behind)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.host = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def serve(self) -> None:
        raise NotImplementedError

    def __getattr__(self, name: str) -> Callable[[], None]:
        """`do_GET` and the like: one answer to every method."""
        if name.startswith("do_"):
            return self.serve
        raise AttributeError(name)

    def pass_on(self, behind: str, edit: Callable[[bytes], bytes] = lambda body: body) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = CLIENT.request(
            self.command,
            f"http://{behind}{self.path}",
            content=body,
            headers=[(k, v) for k, v in self.headers.items() if k != "Host"],
        )
        self.answer(answer.status_code, edit(answer.content), **dict(answer.headers))

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "date", "server", "connection"):
                self.send_header(name.replace("_", "-"), value)
        length = headers.get("content-length") if self.command == "HEAD" else None
        self.send_header("Content-Length", length or str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass
