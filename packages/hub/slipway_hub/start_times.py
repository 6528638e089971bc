"""Start times of servers as lines of JSON in the hub's log.

JupyterHub logs them in a sentence; a metric filter of CloudWatch Logs takes numbers out of JSON
only. `stacks/constructs/hub_metrics.py` has that filter.
"""

import json
import logging
import sys
from typing import TextIO

LOGGER = "JupyterHub"
STARTED = "User %s took %.3f seconds to start"
"""What `jupyterhub/handlers/base.py` logs."""
EVENT = "server-started"


class StartTimes(logging.Filter):
    """Prints a line of JSON for each record of a start, and lets every record pass."""

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__()
        self._stream = stream

    def filter(self, record: logging.LogRecord) -> bool:
        if record.msg == STARTED and isinstance(record.args, tuple):
            _, seconds = record.args
            line = json.dumps({"event": EVENT, "seconds": round(float(str(seconds)), 3)})
            print(line, file=self._stream or sys.stderr, flush=True)
        return True


def configure() -> None:
    logging.getLogger(LOGGER).addFilter(StartTimes())
