"""A user's folder on the volume that all homes share.

The hub makes it, because it is trusted with the whole volume: a user's pod mounts that user's
folder alone. See docs/decisions/0004-homes.md.
"""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jupyterhub.spawner import SpawnException

TIMEOUT = 15
"""Seconds until a volume that does not answer is given up: a lost NFS server blocks for ever."""

# Few threads of our own: those that a lost volume blocks must not be the whole process's.
_threads = ThreadPoolExecutor(4, "homes")


async def make_home(homes: Path, user: str) -> None:
    """Make `homes/user`, mode 0700, if it is not there.

    Raises SpawnException that tells the user what to report.
    """
    making = asyncio.get_running_loop().run_in_executor(_threads, _make, homes / user)
    try:
        await asyncio.wait_for(making, TIMEOUT)
    except TimeoutError:
        raise _failure(f"The volume with the homes has not answered for {TIMEOUT} s.") from None
    except OSError as error:
        raise _failure(f"Your home cannot be made: {error.strerror}.") from error


def _make(home: Path) -> None:
    try:
        home.mkdir(0o700)
    except FileExistsError:
        if home.is_symlink() or not os.access(home, os.W_OK | os.X_OK):
            raise PermissionError(13, "what is there does not belong to the hub") from None


def _failure(message: str) -> SpawnException:
    remedy = "An administrator should look at the volume claim of the homes."
    return SpawnException(f"{message} {remedy}", reason="home", status_code=503)
