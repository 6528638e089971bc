"""Readiness: whether the hub can write its database, which `/hub/health` does not check.

With SQLite on a full volume the hub answers, and refuses every token as if it were wrong.
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
    """200 when the hub can work, 503 when it cannot. For probes: no login."""

    def initialize(self, state: str) -> None:
        self.state = Path(state)

    def get(self) -> None:
        problem = database_problem(self.state)
        if problem:
            self.log.error("Not ready: %s", problem)
            self.set_status(503)
        # The reason is in the log only: anybody can ask.
        self.finish({"ready": problem is None})

    head = get

    def prepare(self) -> None:
        """Skip JupyterHub's own, which reads the user from the database."""
