"""The app that starts before Jupyter, and how jupyter-server-proxy gets it."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from slipway_notebook import early

APP = """
import os, pathlib, socket, sys
print("reading", flush=True)
listening = socket.socket(socket.AF_UNIX)
listening.bind(sys.argv[1])
listening.listen()
while True:
    connection, _ = listening.accept()
    connection.sendall(str(os.getpid()).encode())
    connection.close()
"""


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def pid_behind(path: Path) -> int:
    with socket.socket(socket.AF_UNIX) as connection:
        # Its socket is there a moment before it listens.
        until(lambda: connection.connect_ex(str(path)) == 0)
        return int(connection.recv(20))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    app = tmp_path / "app.py"
    app.write_text(APP)
    launch = [sys.executable, "-m", "slipway_notebook.launch", "--socket={unix_socket}"]
    command = [*launch, "--title=App", "--", sys.executable, str(app), "{unix_socket}"]
    servers = {
        "app": {"command": command, "unix_socket": True},
        "port": {"command": ["app", "{port}"]},
        "prefixed": {"command": ["app", "{unix_socket}", "{base_url}"], "unix_socket": True},
        "started": {"command": [], "unix_socket": "/run/app.sock"},
    }
    file = tmp_path / "jupyter_server_config.json"
    file.write_text(json.dumps({"ServerProxy": {"servers": servers}}))
    return file


@pytest.fixture
def running(config: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, object]]:
    monkeypatch.setenv(early.VARIABLE, "null")
    early.start("/app/", config)
    started = json.loads(os.environ[early.VARIABLE])
    until(lambda: Path(started["socket"]).exists())
    yield started
    # Python may have noticed its end, and reaped it, when it started another process.
    with suppress(ProcessLookupError, ChildProcessError):
        os.kill(started["pid"], signal.SIGKILL)
        os.waitpid(started["pid"], 0)


def launch(config: Path, path: Path, **options: Any) -> subprocess.Popen[bytes]:
    """As jupyter-server-proxy does, with a socket of its own."""
    command = json.loads(config.read_text())["ServerProxy"]["servers"]["app"]["command"]
    filled = [word.replace("{unix_socket}", str(path)) for word in command]
    return subprocess.Popen(filled, **options)


def test_the_proxy_gets_the_app_that_runs_already(
    config: Path, running: dict[str, int], tmp_path: Path
):
    path = tmp_path / "proxy.sock"
    with launch(config, path) as process:
        until(path.exists)
        assert pid_behind(path) == running["pid"]
        process.terminate()
        assert process.wait(timeout=60) == 0


def test_the_proxy_sees_what_it_has_printed_before(
    config: Path, running: dict[str, int], tmp_path: Path
):
    path = tmp_path / "proxy.sock"
    with launch(config, path, stdout=subprocess.PIPE) as process:
        until(path.exists)
        process.terminate()
        assert process.communicate(timeout=60)[0] == b"reading\n"


def test_what_stops_the_app_stops_the_early_one(
    config: Path, running: dict[str, int], tmp_path: Path
):
    path = tmp_path / "proxy.sock"
    with launch(config, path) as process:
        until(path.exists)
        process.terminate()
        process.wait(timeout=60)
    ended = os.waitid(os.P_PID, running["pid"], os.WEXITED | os.WNOWAIT)
    assert ended is not None
    assert ended.si_status == signal.SIGTERM


def test_an_early_app_that_has_ended_is_started_anew(
    config: Path, running: dict[str, int], tmp_path: Path
):
    os.kill(running["pid"], signal.SIGKILL)
    path = tmp_path / "proxy.sock"
    with launch(config, path) as process:
        until(path.exists)
        assert pid_behind(path) == process.pid
        process.kill()


@pytest.mark.parametrize("url", ["/lab", "/port/", "/prefixed/", "/started/", "", "/nothing/"])
def test_what_cannot_be_started_early_is_left_to_the_proxy(
    config: Path, monkeypatch: pytest.MonkeyPatch, url: str
):
    monkeypatch.delenv(early.VARIABLE, raising=False)
    early.start(url, config)
    assert early.VARIABLE not in os.environ


def test_an_image_without_apps_starts_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(early.VARIABLE, raising=False)
    early.start("/app/", tmp_path / "nothing.json")
    assert early.VARIABLE not in os.environ


def test_the_warm_up_asks_until_there_is_a_page(tmp_path: Path):
    path = str(tmp_path / "app.sock")
    answers = [b"HTTP/1.1 404 Not Found\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"]
    with socket.socket(socket.AF_UNIX) as listening:
        listening.settimeout(60)
        listening.bind(path)
        listening.listen()
        asking = threading.Thread(target=early._warm_up, args=(path,))
        asking.start()
        for answer in answers:
            connection, _ = listening.accept()
            with connection:
                assert connection.recv(100).startswith(b"GET / ")
                connection.sendall(answer)
        asking.join(60)


@pytest.mark.parametrize("trusted", [[], ["app"]])
def test_an_early_app_has_the_hubs_token_only_if_it_is_trusted(
    config: Path, monkeypatch: pytest.MonkeyPatch, trusted: list[str]
):
    settings = json.loads(config.read_text())
    config.write_text(json.dumps(settings | {"DataPath": {"trusted_with_credentials": trusted}}))
    for name in early.TOKENS:
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("JUPYTERHUB_USER", "ada")
    monkeypatch.setenv(early.VARIABLE, "null")
    early.start("/app/", config)
    started = json.loads(os.environ[early.VARIABLE])
    try:
        environment = Path(f"/proc/{started['pid']}/environ").read_bytes()
        assert (b"secret" in environment) is bool(trusted)
        assert b"JUPYTERHUB_USER=ada" in environment
    finally:
        os.kill(started["pid"], signal.SIGKILL)
        os.waitpid(started["pid"], 0)
