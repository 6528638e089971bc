"""The page in place of an app that cannot start: what is missing, and how to get it."""

from collections.abc import Callable
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socketserver import BaseServer, UnixStreamServer
from typing import ClassVar

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
    title: ClassVar[str]
    lacks: ClassVar[Callable[[], Lacking | None]]
    ready: ClassVar[bool] = False

    def do_GET(self) -> None:
        if lacking := type(self).lacks():
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, "cannot start yet", *lacking)
        else:
            # Ready now: answer with a page that waits for the app, then make way for it.
            self._answer(HTTPStatus.OK, "is starting", "It is there now.", "", RELOAD)
            _Explanation.ready = True

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

    def log_message(self, format: str, *args: object) -> None:
        """Silent: a visit of the explanation is not worth a line in the server's log."""


class _UnixServer(UnixStreamServer):
    def server_bind(self) -> None:
        super().server_bind()
        Path(str(self.server_address)).chmod(0o600)


def explain(
    title: str, lacks: Callable[[], Lacking | None], unix_socket: str | None, port: int | None
) -> None:
    """Serve the explanation at the socket or the port until nothing is lacking."""
    _Explanation.title, _Explanation.lacks = title, lacks
    server: BaseServer = (
        _UnixServer(unix_socket, _Explanation)
        if unix_socket
        else HTTPServer(("127.0.0.1", port or 0), _Explanation)
    )
    with server:
        while not _Explanation.ready:
            server.handle_request()
    if unix_socket:
        Path(unix_socket).unlink(missing_ok=True)
