"""The app a user lands in, started while Python still imports Jupyter.

On a cluster every start is a cold one. An editor needs a second of its own; beside Jupyter's two
it costs the user nothing. jupyter-server-proxy knows none of it: when it starts the app,
`slipway_notebook.launch` hands it the one that runs already.
"""

import json
import os
import select
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

CONFIG = Path(sys.prefix) / "etc/jupyter/jupyter_server_config.json"
VARIABLE = "SLIPWAY_EARLY"
SOCKET = "{unix_socket}"
WARM_UP_SECONDS = 20.0
TAIL_BYTES = 8192

_printed = bytearray()
"""The last that the early app has printed: it runs in this process's care, not the proxy's."""


def start(default_url: str, config: Path = CONFIG) -> None:
    """Start the app at `default_url`, if it is one that listens on a unix socket of its choice."""
    server = _server(default_url.strip("/").partition("/")[0], config)
    command = server.get("command")
    if not command or not server.get("unix_socket") or not any(SOCKET in word for word in command):
        return
    if any("{" in word.replace(SOCKET, "") for word in command):
        return  # it wants to know what only jupyter-server-proxy does
    import subprocess
    import tempfile

    folder = tempfile.mkdtemp(prefix="slipway-early-")
    socket = f"{folder}/app.sock"
    filled = [word.replace(SOCKET, socket) for word in command]
    process = subprocess.Popen(
        filled,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | server.get("environment", {}),
    )
    _listen(process.stdout)
    os.environ[VARIABLE] = json.dumps({"pid": process.pid, "socket": socket, "command": filled})
    _warm_up(socket)


def printed(command: Sequence[str], socket: str) -> bytes:
    """The last that the early app has printed, if `command` is what it runs."""
    early = json.loads(os.environ.get(VARIABLE, "null"))
    return bytes(_printed) if early and socket and _same(early, command, socket) else b""


def hand_over(command: Sequence[str], socket: str) -> None:
    """Be the early app at `socket`, if `command` is what it runs, and return only if it is not.

    Ends when it ends, and ends it when this process is told to end.
    """
    early = json.loads(os.environ.get(VARIABLE, "null"))
    if not early or not _same(early, command, socket):
        return
    try:
        watched = os.pidfd_open(early["pid"])
    except OSError:
        return  # it has ended: start another
    signal.signal(signal.SIGTERM, lambda *_: signal.pidfd_send_signal(watched, signal.SIGTERM))
    if not _ended(watched, 0):
        Path(socket).symlink_to(early["socket"])
        _ended(watched, None)
        sys.exit(0)


def _listen(output: Any) -> None:
    """Pass on to the server's own log what the app prints, and keep its end."""
    import threading

    def listen() -> None:
        while piece := output.read1(TAIL_BYTES):
            _printed.extend(piece)
            del _printed[:-TAIL_BYTES]
            with suppress(OSError, ValueError):
                sys.stderr.write(piece.decode(errors="replace"))

    threading.Thread(target=listen, daemon=True).start()


def _warm_up(path: str) -> None:
    """Ask it for its first page: VS Code loads half of itself only then.

    It answers 404 at first, because it listens before it has pages.
    """
    import socket
    import threading
    import time

    def ask() -> None:
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

    threading.Thread(target=ask, daemon=True).start()


def _server(name: str, config: Path) -> dict[str, Any]:
    try:
        servers = json.loads(config.read_text())["ServerProxy"]["servers"]
    except (OSError, ValueError, KeyError):
        return {}
    return dict(servers.get(name) or {})


def _same(early: dict[str, Any], command: Sequence[str], socket: str) -> bool:
    """Whether the early process ends in this command, but for its socket."""
    own = [word.replace(socket, early["socket"]) for word in command]
    return bool(early["command"][-len(own) :] == own)


def _ended(watched: int, timeout: float | None) -> bool:
    """A pidfd is readable once its process has ended, reaped or not."""
    return bool(select.select([watched], [], [], timeout)[0])
