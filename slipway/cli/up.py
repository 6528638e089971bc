"""`slipway up` on a terminal: progress, the address, and an orderly end."""

import json
import os
import signal
import sys
import threading
import webbrowser
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.markup import escape

from slipway.local.hub import LocalHub, LocalHubError, start
from slipway.model import Environment
from slipway.toolchain.node import NpmError
from slipway.toolchain.rsession_proxy import PipError

console = Console(stderr=True, highlight=False)


class _Stopped(BaseException):
    """Ctrl-C or SIGTERM. Not an Exception: nothing on the way may take it for a failure."""


def run(
    environment: Environment, root: Path, port: int, *, browser: bool, as_json: bool
) -> str | None:
    """Run the local environment until it is asked to stop. Returns what failed, if anything."""
    stopping = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        if not stopping.is_set():
            stopping.set()
            raise _Stopped

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    hub = None
    try:
        hub = start(environment, root, port, lambda step: console.print(f"[dim]…[/] {step}"))
        _announce(hub, as_json=as_json)
        if browser and not as_json and sys.stdout.isatty() and _has_display():
            webbrowser.open(hub.url)
        hub.process.wait()
        return f"JupyterHub ended unexpectedly; see {hub.log}"
    except _Stopped:
        return None
    except (LocalHubError, NpmError, PipError, OSError) as error:
        return str(error)
    finally:
        if hub:
            console.print("[dim]…[/] stopping")
            hub.stop()


def _announce(hub: LocalHub, *, as_json: bool) -> None:
    if as_json:
        fields = {"url": hub.url, "username": hub.username, "password": hub.password}
        print(json.dumps({**fields, "routes": hub.routes}), flush=True)
        return
    lines = [
        "",
        f"Open      [bold]{hub.url}[/]",
        f"User      {hub.username}",
        f"Password  {escape(hub.password)}",
        "",
        *(_route(hub, path, title) for path, title in hub.routes.items()),
        "",
        "This mode is for one trusted user: every server runs as you, with your files in reach.",
        f"Log: {escape(str(hub.log))}",
        "Ctrl-C stops everything.",
    ]
    console.print("\n".join(lines), soft_wrap=True)


def _route(hub: LocalHub, path: str, title: str) -> str:
    line = f"  {hub.url.rstrip('/')}{path}  {escape(title)}"
    if remedy := hub.missing.get(path):
        line += f" [yellow](not on this machine: {escape(remedy)})[/]"
    return line


def _has_display() -> bool:
    return sys.platform == "darwin" or any(
        os.environ.get(v) for v in ("DISPLAY", "WAYLAND_DISPLAY")
    )
