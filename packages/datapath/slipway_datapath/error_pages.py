"""Pages and log lines of a handler whose app gives no answer."""

import logging
import os
from functools import cache
from pathlib import Path
from typing import Any

from jupyter_server.prometheus.metrics import HTTP_REQUEST_DURATION_SECONDS
from jupyter_server.utils import url_path_join
from jupyter_server_proxy.handlers import ProxyHandler
from jupyter_server_proxy.websocket import WebSocketHandlerMixin
from tornado.httputil import HTTPHeaders

from slipway_datapath.pages import ExplainedError, Explanation
from slipway_datapath.transport import NotListeningError

LOCAL_HOSTS = frozenset(("localhost", "127.0.0.1"))
MAX_PORTS_SHOWN = 1000
"""Keeps the page short; with 20, the port that was meant was sometimes missing."""

_LISTEN = "0A"
_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
_REACHABLE = ("00000000", "0100007F", "0" * 32, "00000000000000000000000001000000")
"""Every address, and the loopback ones: what `localhost` reaches. Little-endian words."""


class _NoWebSocketSetup(WebSocketHandlerMixin):  # type: ignore[misc]
    """Without what `WebSocketHandlerMixin` does to every handler: it initializes it twice, and
    hides `flush` and others behind functions that return nothing, so that nobody could wait until
    a slow client has taken what was written. Both are for Tornado's websockets."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super(WebSocketHandlerMixin, self).__init__(*arguments, **options)


class ErrorPageMixin(ProxyHandler, _NoWebSocketSetup):  # type: ignore[misc]
    """Errors as pages, or as JSON for clients that do not ask for HTML."""

    _waits = False
    """The answer is the page of an app that starts."""

    _has_defaults = False
    """Jupyter's headers are among those of this answer."""

    def clear(self) -> None:
        # What an app answers has its own headers. To make Jupyter's for each, whose policy is put
        # together anew, and then throw them away took a twentieth of the time of a request.
        if hasattr(self, "_headers"):
            self._has_defaults = True
            super().clear()
        else:
            self._headers = HTTPHeaders()
            self._write_buffer: list[bytes] = []
            self.set_status(200)

    def finish(self, chunk: Any = None) -> Any:
        if not self._headers_written and not self._has_defaults:
            self._add_defaults()
        return super().finish(chunk)

    def _add_defaults(self) -> None:
        """Jupyter's headers are for every answer that is not an app's."""
        chosen, written = self._headers, self._write_buffer
        status = self._status_code, self._reason
        self.clear()
        defaults, self._headers = self._headers, chosen
        self._write_buffer = written
        self.set_status(*status)
        for name, value in defaults.get_all():
            if name not in chosen:
                chosen.add(name, value)

    def explained(self, error: Exception, host: str, port: int) -> ExplainedError:
        """What to tell the user when an exchange with the app has failed."""
        if isinstance(error, TimeoutError):
            return ExplainedError(504, Explanation("The app does not answer", "It took too long."))
        if not isinstance(error, NotListeningError | ConnectionError | FileNotFoundError):
            return ExplainedError(502, Explanation("The app's answer makes no sense", str(error)))
        if self.unix_socket or host not in LOCAL_HOSTS:
            address = self.unix_socket or f"{host}:{port}"
            return ExplainedError(
                502, Explanation("The app is not running", f"It is not at {address}.")
            )
        where = {
            other: url_path_join(self.base_url, "proxy", str(other), "/")
            for other in listening_ports()[:MAX_PORTS_SHOWN]
        }
        return ExplainedError(
            502,
            Explanation(
                f"Nothing listens on port {port}",
                f"No program in this server takes connections on port {port}.",
                "Start yours, for 127.0.0.1 or 0.0.0.0, then try again.",
                listening=where,
            ),
        )

    def accepts_page(self) -> bool:
        return "text/html" in self.request.headers.get("Accept", "")

    def log_exception(self, kind: Any, error: Any, trace: Any) -> None:
        if not _is_waiting(error):
            super().log_exception(kind, error, trace)
        self._waits = _is_waiting(error)

    def _log(self) -> None:
        # Jupyter logs a success at DEBUG, and makes a record of it even for nobody: 5 % of the
        # time that a request takes. A page that waits for its app says nothing in each second.
        unseen = self.get_status() < 300 and self.settings["serverapp"].log_level > logging.DEBUG
        if unseen or self._waits:
            handler = f"{type(self).__module__}.{type(self).__name__}"
            durations = _durations(self.request.method, handler, self.get_status())
            durations.observe(self.request.request_time())
        else:
            super()._log()

    def write_error(self, status_code: int, **options: Any) -> None:
        error = options.get("exc_info", (None, None))[1]
        if not isinstance(error, ExplainedError):
            super().write_error(status_code, **options)
            return
        self.set_header("Cache-Control", "no-store")
        if error.explanation.starting:
            self.set_header("Retry-After", "1")
        if self.accepts_page():
            self.set_header("Content-Type", "text/html; charset=utf-8")
            self.finish(error.explanation.as_page())
        else:
            self.finish(error.explanation.as_json())


@cache
def _durations(method: str, handler: str, status: int) -> Any:
    """Where Jupyter's `prometheus_log_method` counts, which looks it up for each request."""
    return HTTP_REQUEST_DURATION_SECONDS.labels(method=method, handler=handler, status_code=status)


def listening_ports() -> list[int]:
    """TCP ports on which programs of this user listen for `localhost`, in order."""
    ports = set()
    for table in _TABLES:
        try:
            rows = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            _, local, _, state, _, _, _, uid, *_ = row.split()
            address, _, port = local.partition(":")
            if state == _LISTEN and int(uid) == os.getuid() and address in _REACHABLE:
                ports.add(int(port, 16))
    return sorted(ports)


def _is_waiting(error: Any) -> bool:
    return isinstance(error, ExplainedError) and error.explanation.starting
