"""The page in place of an app that cannot start: what is missing, and how to get it."""

import socket
from collections.abc import Callable
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

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

# The app needs a moment after this page, and may listen before it has its pages (404): show it when
# it answers, not an error before.
RELOAD = """<script>
  const look = () => fetch(location, {cache: "no-store"}).then(
    answer => answer.status < 500 && answer.status !== 404
      ? location.reload() : setTimeout(look, 500),
    () => setTimeout(look, 500));
  setTimeout(look, 500);
</script>"""


Lacking = tuple[str, str]
"""What is missing and what to do, in HTML."""


class _Explanation(BaseHTTPRequestHandler):
    title: str
    lacks: Callable[[], Lacking | None]

    def do_GET(self) -> None:
        lacking = self.lacks()
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
            title=escape(self.title), state=state, message=message, remedy=remedy, script=script
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


def explain(
    title: str, lacks: Callable[[], Lacking | None], unix_socket: str | None, port: int | None
) -> None:
    """Serve the explanation at the socket or the port until nothing is lacking."""
    handler = type("Explanation", (_Explanation,), {"title": title, "lacks": staticmethod(lacks)})
    if unix_socket:
        place: Any = unix_socket
        server: HTTPServer = _UnixServer(place, handler)
    else:
        server = HTTPServer(("127.0.0.1", port or 0), handler)
    server.ready = False  # type: ignore[attr-defined]
    with server:
        while not server.ready:  # type: ignore[attr-defined]
            server.handle_request()
    if unix_socket:
        Path(unix_socket).unlink(missing_ok=True)
