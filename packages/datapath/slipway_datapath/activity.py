"""What counts as work in a user's server, and what a page that was left open does by itself.

JupyterHub's culler goes by the time that the server reports. Counted are people (what they send to
apps and to Jupyter, terminals and kernels, the pages they open) and programs at work (`jobs`).
Heartbeats are not: polls, keep-alives, and what apps send unasked.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jupyter_server._tz import utcnow
from jupyter_server.base.handlers import APIHandler
from tornado.ioloop import PeriodicCallback
from tornado.web import RequestHandler

from slipway_datapath.jobs import Jobs, Process
from slipway_datapath.settings import DataPath

SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
TIMES = "last_activity_times"
"""Where Jupyter Server collects what its extensions know."""
REPORT_SECONDS = 300
"""How often a server tells the hub when it was last active, unless the hub says otherwise."""


@dataclass(frozen=True)
class Rule:
    """What of an app's traffic is work."""

    requests: bool = True
    heartbeats: tuple[re.Pattern[str], ...] = ()
    """Found in the path inside the app: requests that are none."""
    websocket_in: bool = True
    """Messages that the browser sends."""
    websocket_out: bool = True
    """Messages that the app sends."""
    reads_window: bool = False
    """The app is a VS Code, whose page says whether its user is there."""
    keepalive_bytes: int = 0
    """A message from the browser that is no longer than this is none."""

    def counts(self, path: str) -> bool:
        """Whether what is sent to the path inside the app is work."""
        return self.requests and not any(p.search(path) for p in self.heartbeats)


ALL = Rule()


def rule(settings: Mapping[str, Any]) -> Rule:
    """The rule that `DataPath.activity` has for an app. Raises ValueError, re.error included."""
    known = {"requests", "heartbeats", "websocket", "keepalive_bytes"}
    if unknown := settings.keys() - known:
        raise ValueError(f"DataPath.activity: unknown {', '.join(sorted(unknown))}")
    websocket = settings.get("websocket", "work")
    return Rule(
        requests=settings.get("requests", "work") == "work",
        heartbeats=tuple(re.compile(pattern) for pattern in settings.get("heartbeats", ())),
        websocket_in=websocket != "heartbeat",
        websocket_out=websocket == "work",
        reads_window=websocket == "vscode",
        keepalive_bytes=settings.get("keepalive_bytes", 0),
    )


def watch(server_app: Any, settings: DataPath) -> None:
    """Make Jupyter count what people do and programs at work as activity, and nothing else."""
    _watch_requests(server_app.web_app, rule({"heartbeats": settings.heartbeats}))
    ActivityChecks(server_app, Jobs(settings.job_share)).start()


class ActivityChecks:
    """Checks at intervals whether kernels or programs are at work."""

    def __init__(self, server_app: Any, jobs: Jobs) -> None:
        self._server = server_app
        self._jobs = jobs
        self._last: str | None = None

    def start(self) -> None:
        self._jobs.at_work()
        # More often than the hub is told, so that what it is told is not old.
        reported = int(os.environ.get("JUPYTERHUB_ACTIVITY_INTERVAL") or 0) or REPORT_SECONDS
        self._timer = PeriodicCallback(self.check, reported * 1000 / 5)
        self._timer.start()

    def check(self) -> None:
        job = self._jobs.at_work()
        at_work = "a kernel" if self._has_busy_kernel() else _described(job) if job else None
        if at_work:
            self._server.web_app.settings[TIMES]["slipway-jobs"] = utcnow()
        if at_work != self._last:
            self._last = at_work
            self._server.log.info("At work: %s", at_work or "nothing")

    def _has_busy_kernel(self) -> bool:
        """Whether a cell runs: one that prints nothing sends no message that would count."""
        kernels = self._server.kernel_manager
        states = (kernels.get_kernel(known).execution_state for known in kernels.list_kernel_ids())
        return any(state == "busy" for state in states)


def _described(job: Process) -> str:
    return f"{job.name} (process {job.pid})"


def _watch_requests(web_app: Any, jupyter: Rule) -> None:
    """Jupyter counts each request to its API, but a page that was left open polls it by GET."""
    stock_update = APIHandler.update_api_activity
    stock_log = web_app.settings.get("log_function")

    def update(handler: APIHandler) -> None:
        base = web_app.settings["base_url"].rstrip("/")
        path = handler.request.path.removeprefix(base)
        changes = handler.request.method not in SAFE_METHODS and jupyter.counts(path)
        if changes or is_opened_file(handler, path):
            stock_update(handler)

    def log(handler: RequestHandler) -> None:
        if is_opened_page(handler):
            web_app.settings[TIMES]["slipway-pages"] = utcnow()
        stock_log(handler)

    APIHandler.update_api_activity = update
    web_app.settings["log_function"] = log


def is_opened_file(handler: APIHandler, path: str) -> bool:
    """Whether a user has just opened a file. The poll of a folder does not say what it expects."""
    return (
        path.startswith("/api/contents/")
        and handler.get_query_argument("type", "directory") != "directory"
        and handler.get_query_argument("content", "1") != "0"
    )


def is_opened_page(handler: RequestHandler) -> bool:
    """Whether a user has just opened a page of Jupyter itself."""
    return bool(
        handler.request.headers.get("Sec-Fetch-Mode") == "navigate"
        and handler.get_status() == 200
        and getattr(handler, "_jupyter_current_user", None)
    )
