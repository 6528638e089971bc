"""An app that cannot start explains itself, and starts as soon as it can."""

import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

LAUNCH = [sys.executable, "-m", "slipway_notebook.launch"]


def client_of(address: str) -> httpx.Client:
    transport = httpx.HTTPTransport(uds=address) if address.startswith("/") else None
    base = "http://app" if transport else address
    return httpx.Client(base_url=base, transport=transport, timeout=60)


def answer(client: httpx.Client) -> httpx.Response:
    deadline = time.monotonic() + 20
    while True:
        try:
            return client.get("/")
        except httpx.TransportError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("kind", ["socket", "port"])
def test_a_missing_command_is_explained_until_it_is_there(tmp_path: Path, kind: str):
    program = tmp_path / "bin" / "my-app"
    program.parent.mkdir()
    if kind == "socket":
        address = str(tmp_path / "socket")
        listen, app = f"--socket={address}", UNIX_APP
    else:
        port = free_port()
        address = f"http://127.0.0.1:{port}"
        listen, app = f"--port={port}", PORT_APP
    where = address.rpartition(":")[2]
    process = subprocess.Popen(
        [*LAUNCH, listen, "--title=My <App>", "--remedy=ask Bob", "--", "my-app", where],
        env={"PATH": str(program.parent)},
    )
    try:
        with client_of(address) as client:
            first = answer(client)
            assert first.status_code == 503
            assert "<code>my-app</code> is not installed" in first.text
            assert "ask Bob" in first.text
            assert "My &lt;App&gt;" in first.text
            program.write_text(f"#!{sys.executable}\n{app}")
            program.chmod(0o755)
            ready = answer(client)
            assert ready.status_code == 200
            assert "is starting" in ready.text
        deadline = time.monotonic() + 20
        while (text := answer(client_of(address)).text) != "the app":
            assert time.monotonic() < deadline, text
            time.sleep(0.05)
    finally:
        process.kill()
        process.wait()


APP = """
import sys, socketserver
from http.server import BaseHTTPRequestHandler
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "7"); self.end_headers()
        self.wfile.write(b"the app")
    def address_string(self): return ""
"""
UNIX_APP = APP + "socketserver.UnixStreamServer(sys.argv[1], Handler).serve_forever()\n"
PORT_APP = APP + (
    "socketserver.TCPServer.allow_reuse_address = True\n"
    "socketserver.TCPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()\n"
)


def test_a_missing_file_is_explained(tmp_path: Path):
    address = str(tmp_path / "socket")
    command = [*LAUNCH, f"--socket={address}", "--title=T", "--needs-file=app.py", "--", "true"]
    process = subprocess.Popen(command, cwd=tmp_path)
    try:
        with client_of(address) as client:
            page = answer(client)
            assert page.status_code == 503
            assert "<code>app.py</code> is not in your home folder" in page.text
        assert (tmp_path / "socket").stat().st_mode & 0o077 == 0
    finally:
        process.kill()
        process.wait()


def test_a_command_that_needs_more_than_itself_is_never_run_alone(tmp_path: Path):
    address = str(tmp_path / "socket")
    command = [*LAUNCH, f"--socket={address}", "--title=T", "--restart", "--", "true"]
    process = subprocess.Popen(command)
    try:
        with client_of(address) as client:
            page = answer(client)
            assert page.status_code == 503
            assert "start it again" in page.text
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()


def test_what_is_there_is_run_as_it_is(tmp_path: Path):
    done = subprocess.run(
        [*LAUNCH, "--port=1", "--title=T", "--", "echo", "--flag", "{x}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "--flag {x}\n"
