"""How long servers take to start, as a line of JSON in the hub's log for whoever counts lines.

JupyterHub has it in a sentence and in its own metrics; a filter of CloudWatch Logs takes numbers
out of JSON only. `stacks/constructs/hub_metrics.py` reads it.
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
    """Lets every record pass, and says in JSON what such a record says."""

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
