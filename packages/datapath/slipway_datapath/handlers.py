"""jupyter-server-proxy's request handlers, on our transport.

`StreamingMixin` comes between jupyter-server-proxy's `ProxyHandler` and its subclasses in Python's
method resolution order: these go on to choose the port, the path and the process, and the `proxy`
that they call is ours.
"""

import asyncio
import os
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path

from jupyter_server_proxy.handlers import (
    LocalProxyHandler,
    NamedLocalProxyHandler,
    RemoteProxyHandler,
    SuperviseAndProxyHandler,
)
from tornado.web import Finish

from slipway_datapath.exchange import Request, send_request
from slipway_datapath.pages import POLL_HEADER, ExplainedError, Explanation
from slipway_datapath.processes import AppProcess, CannotStartError, without_tokens
from slipway_datapath.settings import CONNECTIONS
from slipway_datapath.streaming import StreamingMixin
from slipway_datapath.transport import AppError, Connections, NotListeningError

PAGE_AFTER_SECONDS = 1.0
"""An app that starts faster than this is simply there."""
CHECK_SECONDS = 5.0
"""How long a starting app may take to answer a request."""


class LocalPortHandler(LocalProxyHandler, StreamingMixin):  # type: ignore[misc]
    """/proxy/<port>/"""


class HostPortHandler(RemoteProxyHandler, StreamingMixin):  # type: ignore[misc]
    """/proxy/<host>:<port>/"""


class NamedHandler(NamedLocalProxyHandler, StreamingMixin):  # type: ignore[misc]
    """An app that somebody else starts."""


class SupervisedHandler(SuperviseAndProxyHandler, StreamingMixin):  # type: ignore[misc]
    """An app that is started for its first visitor.

    `state` is shared by all requests: jupyter-server-proxy's `proc`, and of ours `starting`, the
    task that starts it, and `failure`, why that failed, until a user has seen it.
    """

    async def ensure_process(self) -> None:
        """Start the app unless it runs. A browser gets a page that it starts, others wait.

        Raises ExplainedError.
        """
        polls = POLL_HEADER in self.request.headers
        starting = self.state.get("starting")
        if not starting and "failure" not in self.state:
            if not self._runs():
                starting = self._start()
            elif polls:
                self.set_status(204)
                raise Finish
        if starting:
            grace = 0.0 if polls else PAGE_AFTER_SECONDS if self._navigates() else None
            await asyncio.wait((starting,), timeout=grace)
            if not starting.done():
                soon = self._explanation("is starting", "It opens here as soon as it answers.")
                soon.starting = True
                raise ExplainedError(503, soon)
            starting.result()
        if failure := self.state.get("failure"):
            if not polls:
                del self.state["failure"]
            raise ExplainedError(500, failure)

    def explained(self, error: Exception, host: str, port: int) -> ExplainedError:
        process = self.state.get("proc")
        if not isinstance(error, NotListeningError) or not isinstance(process, AppProcess):
            return super().explained(error, host, port)
        explanation = self._explanation("is not running", str(error))
        explanation.remedy = "Trying again starts it anew."
        if not process.running:
            del self.state["proc"]
        return ExplainedError(502, explanation)

    def _runs(self) -> bool:
        """A process that has ended without error may have left its app in the background."""
        process = self.state.get("proc")
        if isinstance(process, AppProcess):
            return bool(process.running or process.returncode == 0)
        return process is not None

    def _start(self) -> "asyncio.Future[None] | None":
        command = self.get_cmd()
        if not command:
            self.state["proc"] = "process not managed by jupyter-server-proxy"
            return None
        if self.requested_unix_socket is True:
            # A killed app leaves its socket, and many would not start over it.
            Path(self.unix_socket).unlink(missing_ok=True)
        process = self.state["proc"] = AppProcess(
            self.name,
            command,
            env=self._variables(),
            ready_timeout=self.get_timeout(),
            log=self.log,
        )
        starting = self.state["starting"] = asyncio.ensure_future(self._wait_for(process))
        return starting

    def _variables(self) -> dict[str, str]:
        """Jupyter's own environment, without what Jupyter shows to the hub unless the app may."""
        trusted = self.name in self.data_path.trusted_with_credentials
        inherited = os.environ if trusted else without_tokens(os.environ)
        return {**inherited, **self.get_env()}

    async def _wait_for(self, process: AppProcess) -> None:
        try:
            await process.run_until_ready(self._answers)
        except CannotStartError as error:
            failure = self._explanation("does not start", str(error))
            failure.remedy = "Its last lines may say why. Trying again starts it anew."
            self.state["failure"] = failure
            del self.state["proc"]
        finally:
            del self.state["starting"]

    async def _answers(self) -> bool:
        """Whether the app answers at all; what it answers is for its user.

        But not with 404 at its ready path: code-server listens before it has any pages.
        """
        connections: Connections = self.settings[CONNECTIONS]
        ready = self.data_path.ready_paths.get(self.name)
        request = Request("GET", ready or "/", [("Host", "localhost"), ("Accept", "*/*")])
        try:
            answer = await send_request(
                connections, self.address("localhost", self.port), request, CHECK_SECONDS
            )
        except (AppError, TimeoutError):
            return False
        known = answer.status != HTTPStatus.NOT_FOUND
        answer.release()
        return known or not ready

    def _navigates(self) -> bool:
        """Whether the answer is shown to a user, and not read by a script."""
        headers = self.request.headers
        return (
            self.request.method == "GET"
            and self.accepts_page()
            and "Upgrade" not in headers
            and headers.get("Sec-Fetch-Mode", "navigate") == "navigate"
        )

    def _explanation(self, state: str, message: str) -> Explanation:
        process = self.state.get("proc")
        explanation = Explanation(f"{self._title()} {state}", message)
        if isinstance(process, AppProcess):
            explanation.command, explanation.lines = process.command, process.output.lines()
        return explanation

    def _title(self) -> str:
        """What the launcher calls it."""
        with suppress(KeyError, TypeError, AttributeError):
            entry = self.config["ServerProxy"]["servers"][self.name]
            return str(entry["launcher_entry"]["title"])
        return str(self.name)
