"""Running programs that take long, with their output as it comes."""

import subprocess
from collections.abc import Callable, Sequence

Log = Callable[[str], None]
"""Called with each line that a program prints."""


def follow(
    command: Sequence[str],
    log: Log,
    started: Callable[[subprocess.Popen[str]], object] = lambda process: None,
) -> int:
    """Run a program to its end; errors that it prints are lines as well. Returns its exit code.

    `started` gets the process, for whoever may have to stop it.
    """
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        started(process)
        for line in process.stdout or ():
            log(line.rstrip("\n"))
    return process.returncode
