"""Before a user's container ends: let editors save what they hold in memory.

Kubernetes runs this in the container and sends its signal only when this has returned, or when
the pod's grace period is over.
"""

import os
import signal
import time
from collections.abc import Iterator
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
    # code-server is a script that Node runs: the name is that of one of the first two words.
    names = [Path(os.fsdecode(word)).name for word in arguments[:2]]
    return next((name for name in names if name in SAVES_ON), None)


def main() -> None:
    pids = []
    for pid, sign in editors():
        try:
            os.kill(pid, sign)
            pids.append(pid)
        except ProcessLookupError:
            pass
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline and any(Path(f"/proc/{pid}").exists() for pid in pids):
        time.sleep(0.1)


if __name__ == "__main__":
    main()
