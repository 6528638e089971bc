"""Start an app, or say in its place what is missing and how to get it.

jupyter-server-proxy runs `python -m slipway_notebook.launch --socket=… --title=… -- command …`.
Where the command and the file it needs are there, this process becomes the command. Where one is
not, it answers with a page that says so, looks again at every visit, and becomes the command as
soon as everything is there.
"""

import argparse
import os
import shutil
import socket
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title} cannot start</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
  :root {{ color-scheme: light dark; }}
  body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 38rem; margin: 12vh auto;
    padding: 0 1rem; }}
  code {{ background: #8882; padding: .1em .35em; border-radius: .25em; overflow-wrap: anywhere; }}
  a {{ display: inline-block; margin-top: 1rem; }}
</style></head><body><main>
<h1>{title} cannot start yet</h1>
<p role="alert">{missing}</p>
<p>{remedy}</p>
<a href="">Try again</a>
</main></body></html>
"""


def missing(command: str, needed_file: str | None) -> str | None:
    """What an app lacks, as one HTML sentence, or None when it can start."""
    if shutil.which(command) is None:
        return f"The command <code>{escape(command)}</code> is not installed in this server."
    if needed_file and not Path(needed_file).exists():
        return f"The file <code>{escape(needed_file)}</code> is not in your home folder."
    return None


class _Explanation(BaseHTTPRequestHandler):
    title: str
    remedy: str
    app_command: str
    needed_file: str | None

    def do_GET(self) -> None:
        lacking = missing(self.app_command, self.needed_file)
        if lacking is None:
            # Ready now: answer with a reload, then make way for the app.
            self._answer("It is there now: starting.", "", refresh=True)
            self.server.ready = True  # type: ignore[attr-defined]
            return
        remedy = self.remedy if "command" in lacking else "Create it, then try again."
        self._answer(lacking, f"To get it: {escape(remedy)}")

    do_HEAD = do_POST = do_GET  # noqa: N815

    def _answer(self, lacking: str, remedy: str, *, refresh: bool = False) -> None:
        body = PAGE.format(title=escape(self.title), missing=lacking, remedy=remedy).encode()
        # 200 while reloading, so that a browser does; else the app is unavailable.
        self.send_response(HTTPStatus.OK if refresh else HTTPStatus.SERVICE_UNAVAILABLE)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        if refresh:
            self.send_header("Refresh", "1")
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


def explain(arguments: argparse.Namespace) -> None:
    """Serve the explanation until the app can start."""
    handler = type(
        "Explanation",
        (_Explanation,),
        {
            "title": arguments.title,
            "remedy": arguments.remedy,
            "app_command": arguments.command[0],
            "needed_file": arguments.needs_file,
        },
    )
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
    arguments = parser.parse_args()
    if missing(arguments.command[0], arguments.needs_file):
        explain(arguments)
    os.execvp(arguments.command[0], arguments.command)  # noqa: S606


if __name__ == "__main__":
    main()
