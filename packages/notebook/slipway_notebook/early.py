"""The app that a user lands in, started while Python still imports Jupyter.

On a cluster every start is a cold one, and an editor needs more than a second of its own: beside
Jupyter's two it costs the user nothing (docs/decisions/0025-packages.md). jupyter-server-proxy
knows none of it: when it starts the app, `slipway_notebook.launch` gives it the one that runs.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

CONFIG = Path(sys.prefix) / "etc/jupyter/jupyter_server_config.json"
VARIABLE = "SLIPWAY_EARLY"
"""The environment variable that describes the early app to `launch`, as JSON."""
SOCKET = "{unix_socket}"
TOKENS = ("JUPYTERHUB_API_TOKEN", "JPY_API_TOKEN", "JUPYTER_TOKEN")
"""What Jupyter shows to the hub, as `slipway_datapath.processes` knows it."""
WARM_UP_SECONDS = 20.0
PIECE_BYTES = 8192


def start(default_url: str, config: Path = CONFIG) -> None:
    """Start the app at `default_url`, if it is one that listens on a unix socket of its choice."""
    name = default_url.strip("/").partition("/")[0]
    server = _server(name, config)
    command = server.get("command")
    if not command or not server.get("unix_socket") or not any(SOCKET in word for word in command):
        return
    if any("{" in word.replace(SOCKET, "") for word in command):
        return  # it needs what only jupyter-server-proxy knows
    folder = tempfile.mkdtemp(prefix="slipway-early-")
    path, output = f"{folder}/app.sock", f"{folder}/output"
    os.mkfifo(output)
    # Open in this process for as long as it runs: what the app has printed must not go with it.
    pipe = os.open(output, os.O_RDWR)
    filled = [word.replace(SOCKET, path) for word in command]
    process = subprocess.Popen(
        filled,
        stdin=subprocess.DEVNULL,
        stdout=pipe,
        stderr=pipe,
        env=_variables(name, config) | server.get("environment", {}),
    )
    early = {"pid": process.pid, "socket": path, "output": output, "command": filled}
    os.environ[VARIABLE] = json.dumps(early)
    threading.Thread(target=_warm_up, args=(path,), daemon=True).start()


def hand_over(command: Sequence[str], path: str) -> None:
    """Be the early app at the socket `path`, if `command` is what it runs.

    Prints what it prints, ends when it ends, and ends it on SIGTERM. Returns only if there is no
    such app.
    """
    early = json.loads(os.environ.get(VARIABLE, "null"))
    if not early or not _same(early, command, path):
        return
    # Open for writing too: otherwise its end would come with that of the last writer.
    output = os.open(early["output"], os.O_RDWR | os.O_NONBLOCK)
    try:
        watched = os.pidfd_open(early["pid"])
    except OSError:
        _print(output)
        return  # it has ended: start another
    signal.signal(signal.SIGTERM, lambda *_: signal.pidfd_send_signal(watched, signal.SIGTERM))
    # A pidfd is readable once its process has ended, reaped or not.
    if select.select([watched], [], [], 0)[0]:
        _print(output)
        return
    Path(path).symlink_to(early["socket"])
    while watched not in select.select([watched, output], [], [])[0]:
        _print(output)
    _print(output)
    sys.exit(0)


def _print(output: int) -> None:
    """Pass on what has come. jupyter-server-proxy shows its end to the user."""
    with suppress(BlockingIOError):
        while piece := os.read(output, PIECE_BYTES):
            os.write(sys.stdout.fileno(), piece)


def _warm_up(path: str) -> None:
    """Ask the app for its first page: VS Code loads half of itself only then.

    It answers 404 at first, because it listens before it has pages.
    """
    deadline = time.monotonic() + WARM_UP_SECONDS
    while time.monotonic() < deadline:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(WARM_UP_SECONDS)
                connection.connect(path)
                connection.sendall(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
                if b" 404 " not in connection.recv(64):
                    return
        except OSError:
            pass
        time.sleep(0.05)


def _server(name: str, config: Path) -> dict[str, Any]:
    """What jupyter-server-proxy is told of the app, or nothing."""
    try:
        servers = json.loads(config.read_text())["ServerProxy"]["servers"]
    except (OSError, ValueError, KeyError):
        return {}
    return dict(servers.get(name) or {})


def _variables(name: str, config: Path) -> dict[str, str]:
    """The environment, without tokens unless the data path is told to trust the app with them."""
    settings = json.loads(config.read_text()).get("DataPath", {})
    if name in settings.get("trusted_with_credentials", ()):
        return dict(os.environ)
    return {key: value for key, value in os.environ.items() if key not in TOKENS}


def _same(early: dict[str, Any], command: Sequence[str], path: str) -> bool:
    """Whether the early process ends in this command, but for its socket."""
    own = [word.replace(path, early["socket"]) for word in command]
    return bool(early["command"][-len(own) :] == own)
