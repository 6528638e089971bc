"""Starts of servers, and starts that failed, as lines of JSON in the hub's log.

JupyterHub logs them in sentences. A metric filter of CloudWatch Logs takes numbers out of JSON
only, and finds a sentence in whatever else is logged: the name that a stranger types at the login.
`stacks/constructs/hub_metrics.py` has the filters.
"""

import json
import logging
import sys
from typing import Any, TextIO

from jupyterhub import user

LOGGERS = ("JupyterHub", "tornado.application")
"""Of JupyterHub's handlers and of its users."""
STARTED = "User %s took %.3f seconds to start"
"""What `jupyterhub/handlers/base.py` logs."""
EVENT = "server-started"
FAILED = ("Unhandled error starting", "giving up", "never showed up")
"""What `jupyterhub/user.py` logs of a server that has not started."""
FAILED_EVENT = "server-failed"


class StartTimes(logging.Filter):
    """Prints a line of JSON for each record of a start or of a failed one; every record passes."""

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__()
        self._stream = stream

    def filter(self, record: logging.LogRecord) -> bool:
        if record.msg == STARTED and isinstance(record.args, tuple):
            _, seconds = record.args
            self._print(event=EVENT, seconds=round(float(str(seconds)), 3))
        elif record.pathname == user.__file__ and any(text in str(record.msg) for text in FAILED):
            self._print(event=FAILED_EVENT)
        return True

    def _print(self, **said: Any) -> None:
        print(json.dumps(said), file=self._stream or sys.stderr, flush=True)


def configure() -> None:
    for logger in LOGGERS:
        logging.getLogger(logger).addFilter(StartTimes())
