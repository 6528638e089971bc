"""Programs of a user's server that are at work, as Linux tells it.

A command in a terminal is at work as long as it runs: it may wait for something, and what an editor
or an interpreter holds would be lost. Any other program, such as a kernel, an app or one that was
sent into the background, is at work while it computes.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MARKER = "JUPYTERHUB_SERVICE_URL"
"""In the environment of all that a server has started: unique to the server on its machine."""
SHELLS = frozenset(("ash", "bash", "csh", "dash", "fish", "ksh", "pwsh", "sh", "tcsh", "zsh"))
WAITING = SHELLS | {"login", "screen", "su", "tmux: client"}
"""Programs in front of a terminal that wait for somebody to type."""
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Process:
    """What /proc/PID/stat says (proc_pid_stat(5)); times in ticks of the kernel's clock."""

    pid: int
    name: str
    parent: int
    group: int
    session: int
    terminal: int
    """0 for none."""
    foreground: int
    """The process group in front of the terminal."""
    ticks: int
    """Of computing, that of children that have ended included."""
    started: int

    @property
    def key(self) -> tuple[int, int]:
        """The number of a process that has ended is given to another."""
        return self.pid, self.started


class Jobs:
    """Finds programs of this server that are at work, each time since the time before."""

    def __init__(self, share: float, proc: Path = Path("/proc"), server: int | None = None) -> None:
        """`share` is the part of a core from which on a program counts as computing."""
        self._share = share
        self._proc = proc
        self._server = server or os.getpid()
        self._marker = f"{MARKER}={os.environ[MARKER]}".encode() if MARKER in os.environ else b""
        self._ticks: dict[tuple[int, int], int] = {}
        self._looked: float | None = None

    def at_work(self) -> Process | None:
        """A program that is at work, or has been since the last look."""
        processes = {process.pid: process for process in self._all()}
        own = [process for process in processes.values() if self._is_own(process, processes)]
        computing = self._computing({process.key: process for process in own})
        return computing or next((p for p in own if _runs_in_terminal(p)), None)

    def _computing(self, own: dict[tuple[int, int], Process]) -> Process | None:
        before, looked = self._ticks, self._looked
        self._ticks, self._looked = {k: p.ticks for k, p in own.items()}, time.monotonic()
        if looked is None:
            return None
        least = self._share * (self._looked - looked) * _TICKS_PER_SECOND
        # One tick is what the clock may add to a program that has done next to nothing.
        busy = (p for k, p in own.items() if p.ticks - before.get(k, 0) > max(least, 1))
        return next(busy, None)

    def _is_own(self, process: Process, processes: dict[int, Process]) -> bool:
        """Whether it was started by this server, if by way of parents that have ended since."""
        if process.pid == self._server:
            return False
        return self._descends(process, processes) or self._carries_marker(process)

    def _descends(self, process: Process, processes: dict[int, Process]) -> bool:
        parent = processes.get(process.parent)
        # Bounded: what was read one after the other may not fit together.
        for _ in range(len(processes)):
            if parent is None or parent.pid == self._server:
                break
            parent = processes.get(parent.parent)
        return parent is not None and parent.pid == self._server

    def _carries_marker(self, process: Process) -> bool:
        # Not kept for the next look: between a fork and the program it is for, it is another's.
        try:
            environment = (self._proc / str(process.pid) / "environ").read_bytes()
        except OSError:  # it has ended, or is somebody else's
            return False
        return bool(self._marker) and self._marker in environment.split(b"\0")

    def _all(self) -> Iterator[Process]:
        for folder in self._proc.iterdir() if self._proc.is_dir() else ():
            if folder.name.isdecimal():
                try:
                    stat = (folder / "stat").read_text(errors="replace")
                except OSError:  # it has ended
                    continue
                yield _parsed(stat)


def _runs_in_terminal(process: Process) -> bool:
    """Whether it is in front of a terminal. A script is known by the programs that it runs."""
    return (
        process.terminal != 0
        and process.group == process.foreground
        and process.name not in WAITING
    )


def _parsed(stat: str) -> Process:
    """The name stands in parentheses and may hold any character, parentheses included."""
    pid, _, rest = stat.partition(" (")
    name, _, rest = rest.rpartition(") ")
    fields = rest.split()
    parent, group, session, terminal, foreground = map(int, fields[1:6])
    ticks, started = sum(map(int, fields[11:15])), int(fields[19])
    return Process(int(pid), name, parent, group, session, terminal, foreground, ticks, started)
