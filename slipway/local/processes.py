"""Start a program so that nothing of it outlives us, and stop all of it in time."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def start(
    command: list[str], environment: dict[str, str], folder: Path, log: Path
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own, so that Ctrl-C reaches it only through us.

    What it writes, its log too, is for this user alone.
    """
    with open(log, "ab", opener=_private) as output:
        return subprocess.Popen(
            command,
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            umask=0o077,
            preexec_fn=_own_family,
        )


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _own_family() -> None:
    """Run in the new process: keeps it and its descendants together."""
    end_with_parent()
    if sys.platform == "linux":
        # Descendants whose own parent ends become the program's children, so that we find them.
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    # A shell that runs us in the background ignores SIGINT, and children would inherit that.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def end_with_parent() -> None:
    """Run in a new process: Linux sends it SIGTERM should its parent be killed (prctl(2))."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def stop(program: subprocess.Popen[bytes], grace: float) -> None:
    """End `program` and every descendant: asked first, killed after `grace` seconds."""
    family = _with_descendants(_existing(program.pid))
    with contextlib.suppress(ProcessLookupError):
        program.terminate()
    deadline = time.monotonic() + grace
    while family and time.monotonic() < deadline:
        _, alive = psutil.wait_procs(family, timeout=0.1)
        family = _with_descendants(alive)
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(list(family), timeout=1)
    program.poll()


def _existing(pid: int) -> list[psutil.Process]:
    try:
        return [psutil.Process(pid)]
    except psutil.NoSuchProcess:
        return []


def _with_descendants(processes: Iterable[psutil.Process]) -> set[psutil.Process]:
    """One look at all processes of the machine; `Process.children` takes one for each parent."""
    family = set(processes)
    parents = {process: process.info["ppid"] for process in psutil.process_iter(["ppid"])}
    while True:
        pids = {process.pid for process in family}
        children = {process for process, parent in parents.items() if parent in pids}
        if children <= family:
            return family
        family |= children
