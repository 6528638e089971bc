"""What a user sees where there is no app."""

import socket
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.support.jupyter import Jupyter, running_jupyter, wait_until

HTML = {"Accept": "text/html,*/*;q=0.8"}
SERVER = """
import http.server, os, socketserver, sys, time
print("reading <data>", flush=True)
while not os.path.exists(sys.argv[2]): time.sleep(0.02)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"the app")
    def address_string(self): return ""
socketserver.UnixStreamServer(sys.argv[1], Handler).serve_forever()
"""


def test_an_app_that_crashes_tells_how(ours: Jupyter):
    with ours.client() as client:
        page = client.get("crashing/", headers=HTML)
        told = client.get("crashing/").json()
    assert page.status_code == 500
    assert page.headers["Cache-Control"] == "no-store"
    assert "frame-ancestors" in page.headers["Content-Security-Policy"]
    assert "<h1>Crash &amp; burn does not start</h1>" in page.text
    assert "&lt;out of&gt; memory" in page.text
    assert told["lines"] == ["<out of> memory"]
    assert told["message"] == "It ended with exit code 1."
    assert told["command"][0] == sys.executable


def test_an_app_that_never_listens_is_given_up(ours: Jupyter):
    with ours.client() as client:
        told = client.get("deaf/").json()
    assert told["message"] == "It runs, but has not answered within 3 seconds."
    assert told["lines"] == ["up"]


def test_a_port_without_a_listener_names_those_that_have_one(ours: Jupyter):
    with socket.create_server(("127.0.0.1", 0)) as listener, ours.client() as client:
        port = listener.getsockname()[1]
        told = client.get("proxy/1/").json()
        page = client.get("proxy/1/", headers=HTML).text
    assert told["listening"][str(port)] == f"/user/jo/proxy/{port}/"
    assert f'<a href="/user/jo/proxy/{port}/">' in page


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    return tmp_path / "gate"


@pytest.fixture
def slow(tmp_path: Path, gate: Path):
    """A server whose app begins to listen when `gate` exists."""
    program = tmp_path / "slow.py"
    program.write_text(SERVER)
    command = [sys.executable, str(program), "{unix_socket}", str(gate)]
    server = {"command": command, "unix_socket": True, "timeout": 30}
    with running_jupyter("ours", tmp_path / "jupyter", {"slow": server}) as jupyter:
        yield jupyter


EMPTY_AT_FIRST = """
import http.server, os, socketserver, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if os.path.exists(sys.argv[2]) else 404)
        self.end_headers(); self.wfile.write(self.path.encode())
    def address_string(self): return ""
socketserver.UnixStreamServer(sys.argv[1], Handler).serve_forever()
"""


@pytest.fixture
def empty_at_first(tmp_path: Path, gate: Path):
    """A server with an app that listens at once and has its pages when `gate` exists, twice: as one
    whose ready path is known, and as one of which nothing is known."""
    program = tmp_path / "empty.py"
    program.write_text(EMPTY_AT_FIRST)
    command = [sys.executable, str(program), "{unix_socket}", str(gate)]
    server = {"command": command, "unix_socket": True, "timeout": 30}
    servers = {"known": server, "unknown": server}
    settings = {"DataPath": {"ready_paths": {"known": "/healthz"}}}
    with running_jupyter("ours", tmp_path / "jupyter", servers, **settings) as jupyter:
        yield jupyter


def test_an_app_that_listens_before_it_has_pages_is_not_shown_as_missing(
    empty_at_first: Jupyter, gate: Path
):
    with empty_at_first.client() as client:
        assert client.get("known/", headers=HTML).status_code == 503
        gate.touch()
        answer = client.get("known/page")
        assert (answer.status_code, answer.text) == (200, "/page")


def test_an_app_without_a_page_at_its_root_is_ready_all_the_same(empty_at_first: Jupyter):
    with empty_at_first.client() as client:
        assert client.get("unknown/api").status_code == 404


def test_an_app_that_starts_shows_how_far_it_is(slow: Jupyter, gate: Path):
    look = {"X-Slipway-Poll": "1"}
    with slow.client() as client:
        page = client.get("slow/", headers=HTML)
        assert (page.status_code, page.headers["Retry-After"]) == (503, "1")
        assert "slow is starting" in page.text
        assert 'role="status"' in page.text
        lines = wait_until(lambda: client.get("slow/", headers=look).json()["lines"])
        assert lines == ["reading <data>"]
        gate.touch()
        wait_until(lambda: client.get("slow/", headers=look).status_code == 204)
        assert client.get("slow/", headers=HTML).text == "the app"


def test_an_app_that_was_started_early_shows_what_it_has_printed(tmp_path: Path, gate: Path):
    """Jupyter's process has started it, and not jupyter-server-proxy."""
    program = tmp_path / "slow.py"
    program.write_text(SERVER)
    launch = [sys.executable, "-m", "slipway_notebook.launch", "--socket={unix_socket}"]
    command = [*launch, "--title=x", "--", sys.executable, str(program), "{unix_socket}", str(gate)]
    servers = {"slow": {"command": command, "unix_socket": True, "timeout": 60}}
    folder = tmp_path / "jupyter"
    start = (
        "from pathlib import Path; from slipway_notebook import early; "
        f"early.start('/slow/', Path('{folder}/jupyter_server_config.json'))"
    )
    look = {"X-Slipway-Poll": "1"}
    with (
        running_jupyter("ours", folder, servers, python=start) as jupyter,
        jupyter.client() as client,
    ):
        lines = wait_until(lambda: client.get("slow/", headers=look).json()["lines"])
        assert lines == ["reading <data>"]
        gate.touch()
        assert client.get("slow/").text == "the app"
        assert jupyter.log.read_text().count("reading <data>") == 1


def test_what_is_no_page_waits_for_the_app(slow: Jupyter, gate: Path):
    gate.touch()
    with slow.client() as client:
        assert client.get("slow/").text == "the app"


def test_an_app_that_has_died_is_started_anew(slow: Jupyter, gate: Path):
    gate.touch()
    with slow.client() as client:
        assert client.get("slow/").text == "the app"
        (child,) = slow.process.children()
        child.kill()
        wait_until(lambda: not child.is_running() or child.status() == "zombie")
        deadline = time.monotonic() + 20
        while (answer := client.get("slow/")).text != "the app":
            assert time.monotonic() < deadline, answer.text
    assert "slow" in str(slow.process.children()[0].cmdline())


def test_apps_end_with_their_server(tmp_path: Path, gate: Path):
    program = tmp_path / "slow.py"
    program.write_text(SERVER)
    gate.touch()
    command = [sys.executable, str(program), "{unix_socket}", str(gate)]
    servers = {"slow": {"command": command, "unix_socket": True, "timeout": 30}}
    with running_jupyter("ours", tmp_path / "jupyter", servers) as jupyter:
        assert httpx.get(f"{jupyter.url}slow/", headers=jupyter.client().headers).text == "the app"
        (child,) = jupyter.process.children()
    wait_until(lambda: not child.is_running())


def test_an_error_is_shown_once_and_then_tried_again(ours: Jupyter):
    with ours.client() as client:
        first, second = (client.get("missing/").json() for _ in range(2))
    assert first == second
    assert first["message"] == "The command cannot be run: No such file or directory."
