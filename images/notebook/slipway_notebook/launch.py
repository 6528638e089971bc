"""Start an app, or say in its place what is missing and how to get it.

jupyter-server-proxy runs `python -m slipway_notebook.launch --socket=… --title=… -- command …`.
Where the command and the file it needs are there, this process becomes the command. Where one is
not, it answers with a page that says so, looks again at every visit, and becomes the command as
soon as everything is there. With `--restart` the command alone would not do (a plug-in starts it):
then the page says to restart the server.
"""

import argparse
import os
import shutil
import socket
from dataclasses import dataclass
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from slipway_notebook import early

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title} {state}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
  :root {{ color-scheme: light dark; }}
  body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 38rem; margin: 12vh auto;
    padding: 0 1rem; }}
  code {{ background: #8882; padding: .1em .35em; border-radius: .25em; overflow-wrap: anywhere; }}
  a {{ display: inline-block; margin-top: 1rem; }}
</style></head><body><main>
<h1>{title} {state}</h1>
<p role="alert">{message}</p>
<p>{remedy}</p>
<a href="">Try again</a>
</main>{script}</body></html>
"""

# The app needs a moment after this page: show it when it answers, not an error before.
RELOAD = """<script>
  const look = () => fetch(location, {cache: "no-store"}).then(
    answer => answer.status < 500 ? location.reload() : setTimeout(look, 500),
    () => setTimeout(look, 500));
  setTimeout(look, 500);
</script>"""


@dataclass(frozen=True)
class App:
    title: str
    command: str
    remedy: str
    needed_file: str | None
    restart: bool

    def lacks(self) -> tuple[str, str] | None:
        """What is missing and what to do, in HTML; None when the command can run."""
        if shutil.which(self.command) is None:
            return (
                f"The command <code>{escape(self.command)}</code> is not installed in this server.",
                f"To get it: {escape(self.remedy)}",
            )
        if self.needed_file and not Path(self.needed_file).exists():
            return (
                f"The file <code>{escape(self.needed_file)}</code> is not in your home folder.",
                "Create it, then try again.",
            )
        if self.restart:
            return (
                f"The command <code>{escape(self.command)}</code> is there now.",
                "Stop this server on the hub's home page and start it again to use it.",
            )
        return None


class _Explanation(BaseHTTPRequestHandler):
    app: App

    def do_GET(self) -> None:
        lacking = self.app.lacks()
        if lacking:
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, "cannot start yet", *lacking)
        else:
            # Ready now: answer with a page that waits for the app, then make way for it.
            self._answer(HTTPStatus.OK, "is starting", "It is there now.", "", RELOAD)
            self.server.ready = True  # type: ignore[attr-defined]

    do_HEAD = do_POST = do_GET  # noqa: N815

    def _answer(
        self, status: HTTPStatus, state: str, message: str, remedy: str, script: str = ""
    ) -> None:
        page = PAGE.format(
            title=escape(self.app.title), state=state, message=message, remedy=remedy, script=script
        )
        body = page.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def address_string(self) -> str:
        return "local"

    def log_message(self, format: str, *args: object) -> None:
        """Silent: a visit of the explanation is not worth a line in the server's log."""


class _UnixServer(HTTPServer):
    address_family = socket.AF_UNIX

    def server_bind(self) -> None:
        self.socket.bind(self.server_address)
        Path(str(self.server_address)).chmod(0o600)
        self.server_name, self.server_port = "localhost", 0


def explain(app: App, arguments: argparse.Namespace) -> None:
    """Serve the explanation until the app can start."""
    handler = type("Explanation", (_Explanation,), {"app": app})
    if arguments.socket:
        server: HTTPServer = _UnixServer(arguments.socket, handler)
    else:
        server = HTTPServer(("127.0.0.1", arguments.port), handler)
    server.ready = False  # type: ignore[attr-defined]
    with server:
        while not server.ready:  # type: ignore[attr-defined]
            server.handle_request()
    if arguments.socket:
        Path(arguments.socket).unlink(missing_ok=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="slipway_notebook.launch")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--socket", help="unix socket the app listens on")
    where.add_argument("--port", type=int, help="port the app listens on")
    parser.add_argument("--title", required=True)
    parser.add_argument("--remedy", default="install it")
    parser.add_argument("--needs-file")
    parser.add_argument("command", nargs="+")
    parser.add_argument("--restart", action="store_true", help="explain, never run the command")
    arguments = parser.parse_args()
    app = App(
        title=arguments.title,
        command=arguments.command[0],
        remedy=arguments.remedy,
        needed_file=arguments.needs_file,
        restart=arguments.restart,
    )
    if arguments.socket:
        early.hand_over(arguments.command, arguments.socket)
    if app.lacks():
        explain(app, arguments)
    os.execvp(arguments.command[0], arguments.command)  # noqa: S606


if __name__ == "__main__":
    main()
