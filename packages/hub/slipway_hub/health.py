"""Whether the hub can work: what `/hub/health` does not see.

SQLite on a full volume lets the hub answer, and every token is refused as if it were wrong. A hub
that cannot write says so here, where a readiness probe and an alarm look.
"""

import os
from pathlib import Path

from jupyterhub.handlers.pages import HealthCheckHandler
from prometheus_client import Gauge

RESERVE = 16 * 2**20
"""Bytes. SQLite's journal for a busy minute; less than this, and writes will fail soon."""

FREE = Gauge("slipway_database_free_bytes", "Space left on the volume of the hub's database")


def database_problem(state: Path, reserve: int = RESERVE) -> str | None:
    """Why the database in `state` cannot be written, or None. Never raises."""
    try:
        volume = os.statvfs(state)
    except OSError as error:
        return f"the database's volume does not answer: {error.strerror}"
    free = volume.f_bavail * volume.f_frsize
    FREE.set(free)
    if volume.f_flag & os.ST_RDONLY:
        return "the database's volume is read-only"
    if free < reserve:
        left, needed = free / 2**20, reserve / 2**20
        return f"the database's volume is full: {left:.1f} MiB left, it needs {needed:.0f}"
    return None


class Ready(HealthCheckHandler):  # type: ignore[misc]
    """200 when the hub can work, 503 and why when it cannot. For probes: no login, no log."""

    def initialize(self, state: str) -> None:
        self.state = Path(state)

    def get(self) -> None:
        problem = database_problem(self.state)
        if problem:
            self.log.error("Not ready: %s", problem)
            self.set_status(503)
        # Why is for the log: anybody can ask.
        self.finish({"ready": problem is None})

    head = get

    def prepare(self) -> None:
        """Nothing of what JupyterHub prepares: it asks the database who is there."""
