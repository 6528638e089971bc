"""Start a program so that nothing of it outlives us, and stop all of it in time."""

import contextlib
import ctypes
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends, so that they can be found.

    Linux only (prctl(2)); elsewhere `stop` finds what descends from the program directly.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def start(
    command: list[str], environment: dict[str, str], folder: Path, log: Path
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own, so that Ctrl-C reaches it only through us."""
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,
        )


def _end_with_parent() -> None:
    """Should we be killed outright, the kernel ends the program for us."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    # A shell that runs us in the background ignores SIGINT, and children would inherit that.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def stop(program: subprocess.Popen[bytes], grace: float) -> None:
    """End `program` and every descendant: asked first, killed after `grace` seconds."""
    family = _descendants()
    with contextlib.suppress(ProcessLookupError):
        program.terminate()
    deadline = time.monotonic() + grace
    while time.monotonic() < deadline:
        family |= _descendants()
        _, alive = psutil.wait_procs(family, timeout=0.1)
        family = set(alive)
        if not family and not _descendants():
            break
    _kill(family | _descendants())
    program.poll()


def _descendants() -> set[psutil.Process]:
    return set(psutil.Process().children(recursive=True))


def _kill(family: Iterable[psutil.Process]) -> None:
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(list(family), timeout=1)
