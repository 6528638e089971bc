"""`slipway up`: progress, the address, and an orderly end."""

import os
import signal
import sys
import threading
import webbrowser
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from slipway import cli, facts
from slipway.model import Environment, load

if TYPE_CHECKING:
    from slipway.local.hub import LocalHub


class _Stopped(BaseException):
    """Ctrl-C or SIGTERM. Not an Exception: nothing on the way may take it for a failure."""


@cli.command(epilog="Example: slipway up --port 8080")
def up(
    port: Annotated[
        int, typer.Option(help="Where to listen on 127.0.0.1; 0 takes any.")
    ] = facts.PROXY_PORT,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the hub in your browser.")
    ] = True,
    environment: Annotated[str, typer.Option(help="A local environment.")] = "local",
    project: cli.ProjectFolder = None,
    as_json: cli.Json = False,
) -> None:
    """Run JupyterHub with your catalog on this machine, until Ctrl-C."""
    root = cli.project_root(project)
    selected = load(root, environment).environment(environment)
    if selected.spec.has_cluster:
        raise cli.bad_input(f"{environment} is not local; deploy it with cdk deploy")
    if problem := _run(selected, root, port, browser=browser, as_json=as_json):
        raise cli.fail(problem)


def _run(
    environment: Environment, root: Path, port: int, *, browser: bool, as_json: bool
) -> str | None:
    """Run the local environment until it is asked to stop. Returns what failed, if anything."""
    from slipway.local.hub import LocalHubError, start
    from slipway.toolchain.node import NpmError
    from slipway.toolchain.rsession_proxy import PipError

    _stop_on_signals()
    hub = None
    try:
        hub = start(environment, root, port, lambda step: cli.console.print(f"[dim]…[/] {step}"))
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
            cli.console.print("[dim]…[/] stopping")
            hub.stop()


def _stop_on_signals() -> None:
    stopping = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        if not stopping.is_set():
            stopping.set()
            raise _Stopped

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)


def _announce(hub: "LocalHub", *, as_json: bool) -> None:
    if as_json:
        fields = {"url": hub.url, "username": hub.username, "password": hub.password}
        cli.print_json({**fields, "routes": hub.routes})
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
    cli.console.print("\n".join(lines), soft_wrap=True)


def _route(hub: "LocalHub", path: str, title: str) -> str:
    line = f"  {hub.url.rstrip('/')}{path}  {escape(title)}"
    if remedy := hub.missing.get(path):
        line += f" [yellow](not on this machine: {escape(remedy)})[/]"
    return line


def _has_display() -> bool:
    return sys.platform == "darwin" or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
