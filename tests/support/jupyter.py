"""A Jupyter server in front of `any_app`: with jupyter-server-proxy as it is, or with ours."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from slipway.local.processes import end_with_parent
from tests.support.local import ROOT

TOKEN = "a-token-for-tests"
AUTHORIZATION = {"Authorization": f"token {TOKEN}"}


@dataclass(frozen=True)
class Apps:
    http: str
    websocket: str


@dataclass(frozen=True)
class Jupyter:
    kind: str
    url: str
    process: psutil.Process
    log: Path

    def client(self, authenticated: bool = True) -> httpx.Client:
        headers = AUTHORIZATION if authenticated else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30)

    @property
    def address(self) -> tuple[str, int]:
        url = httpx.URL(self.url)
        assert url.port
        return url.host, url.port

    def peak_memory(self) -> int:
        """Bytes, the most that it has ever had."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("Linux does not tell")


@contextmanager
def running_apps() -> Iterator[Apps]:
    # A path of a unix socket must be short.
    with tempfile.TemporaryDirectory(prefix="apps-") as folder:
        apps = Apps(f"{folder}/http", f"{folder}/ws")
        command = [sys.executable, "-m", "tests.support.any_app", apps.http, apps.websocket]
        process = subprocess.Popen(command, cwd=ROOT)
        try:
            wait_until(lambda: listens(apps.http) and listens(apps.websocket))
            yield apps
        finally:
            process.kill()
            process.wait()


@contextmanager
def running_jupyter(
    kind: str,
    folder: Path,
    servers: dict[str, Any],
    python: str = "",
    enabled: dict[str, bool] | None = None,
    environment: dict[str, str] | None = None,
    **sections: Any,
) -> Iterator[Jupyter]:
    """`kind` is stock or ours; `servers` are jupyter-server-proxy's, `python` is more settings and
    `enabled` more extensions."""
    config = _configuration(kind, servers, enabled or {}) | sections
    with running_server(sys.executable, kind, folder, config, python, environment) as jupyter:
        yield jupyter


@contextmanager
def running_server(
    interpreter: str,
    kind: str,
    folder: Path,
    config: dict[str, Any],
    python: str = "",
    environment: dict[str, str] | None = None,
) -> Iterator[Jupyter]:
    """A Jupyter server with this configuration, and what every test wants besides."""
    folder.mkdir(parents=True)
    base = {
        "port": 0,
        "open_browser": False,
        "allow_root": True,
        "root_dir": str(folder),
        "base_url": "/user/jo/",
    }
    config = config | {
        "ServerApp": base | config["ServerApp"],
        "IdentityProvider": {"token": TOKEN},
    }
    (folder / "jupyter_server_config.json").write_text(json.dumps(config))
    (folder / "jupyter_server_config.py").write_text(python)
    own = {"JUPYTER_CONFIG_DIR": str(folder), "JUPYTER_RUNTIME_DIR": str(folder / "runtime")}
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [interpreter, "-P", "-m", "jupyter_server"],
            env=os.environ | own | {"JUPYTER_PREFER_ENV_PATH": "0"} | (environment or {}),
            stdout=output,
            stderr=output,
            preexec_fn=end_with_parent,
        )
    try:
        url = wait_until(lambda: _told_url(folder / "runtime") or _ended(process, log))
        wait_until(lambda: _answers(f"{url}api"))
        yield Jupyter(kind, url, psutil.Process(process.pid), log)
    finally:
        process.terminate()
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def listens(path: str) -> bool:
    """Its socket is there a moment before it listens."""
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(path) == 0


def wait_until(condition: Callable[[], Any], seconds: float = 90) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
    return found


def _configuration(kind: str, servers: dict[str, Any], enabled: dict[str, bool]) -> dict[str, Any]:
    ours = kind == "ours"
    extensions = {"jupyter_server_proxy": not ours, "slipway_datapath": ours} | enabled
    unused = ("jupyterlab", "notebook", "notebook_shim", "jupyter_lsp", "jupyter_server_terminals")
    return {
        "ServerApp": {"jpserver_extensions": dict.fromkeys(unused, False) | extensions},
        "ServerProxy": {"servers": servers},
    }


def _ended(process: subprocess.Popen[bytes], log: Path) -> None:
    assert process.poll() is None, log.read_text()


def _told_url(runtime: Path) -> str | None:
    for told in runtime.glob("jpserver-*.json"):
        with suppress(ValueError):  # it is being written
            return str(json.loads(told.read_text())["url"])
    return None


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code < 500
    except httpx.TransportError:
        return False
