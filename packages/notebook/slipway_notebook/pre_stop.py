"""Before a user's container ends: let editors save what they hold in memory.

Kubernetes runs this in the container and sends its signal only when this has returned, or when
the pod's grace period is over.
"""

import os
import select
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

WAIT = 15.0
"""Seconds for all of them together; the rest of the grace period is for Jupyter's kernels."""

SAVES_ON = {
    # Suspends the session: R's workspace and the open files are there again at the next start.
    "rsession": signal.SIGUSR1,
    # Flushes its storage and the back-ups of unsaved files.
    "code-server": signal.SIGTERM,
}


def editors(proc: Path = Path("/proc")) -> Iterator[tuple[int, signal.Signals]]:
    """This user's editors: process id, and the signal on which each saves and ends."""
    for folder in proc.iterdir():
        if folder.name.isdecimal() and (name := _program(folder)) in SAVES_ON:
            yield int(folder.name), SAVES_ON[name]


def _program(folder: Path) -> str | None:
    try:
        if folder.stat().st_uid != os.getuid():
            return None
        arguments = (folder / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return None  # it has ended meanwhile
    words = [Path(os.fsdecode(word)) for word in arguments[:2]]
    for word in words:
        # code-server is Node with code-server's own folder as its program.
        for name in SAVES_ON:
            if word.name == name or (word.name.startswith("entry") and name in word.parts):
                return name
    return None


def save(found: Iterable[tuple[int, signal.Signals]], wait: float = WAIT) -> None:
    """Tell each to save, and wait until all have ended or `wait` seconds are over."""
    ending = []
    for pid, sign in found:
        with suppress(ProcessLookupError):
            # A pidfd: the number alone may mean another process by the time it is looked at.
            ending.append(os.pidfd_open(pid))
            signal.pidfd_send_signal(ending[-1], sign)
    deadline = time.monotonic() + wait
    while ending and (left := deadline - time.monotonic()) > 0:
        ended = select.select(ending, [], [], left)[0]
        ending = [process for process in ending if process not in ended]


if __name__ == "__main__":
    save(editors())
