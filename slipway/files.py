"""Writing files and folders so that another process, or the next run after a kill, sees all or
nothing."""

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile, mkdtemp
from typing import IO


@contextmanager
def replacing(target: Path, *, mode: int | None = None) -> Iterator[IO[bytes]]:
    """A file to write, which takes the place of `target` when the block ends without an error.

    The new file has `mode`, or that of the file it replaces, or what the umask leaves of 0666.
    Raises OSError, also where `target` is something else than a regular file.
    """
    check_replaceable(target)
    with _partial(target, mode) as file:
        yield file
        _sync(file)
        check_replaceable(target)
        Path(file.name).replace(target)


def check_replaceable(target: Path) -> None:
    """Raises OSError where a device, pipe, folder or link would be lost to a file."""
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(target.lstat().st_mode):
            message = "is no regular file; name another, or remove it"
            raise OSError(errno.EEXIST, message, str(target))


@contextmanager
def creating(target: Path) -> Iterator[IO[bytes]]:
    """Like `replacing`, but raises FileExistsError where `target` exists."""
    with _partial(target, None) as file:
        yield file
        _sync(file)
        os.link(file.name, target)  # unlike a rename, it fails where something is


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """An empty folder to fill, which becomes `target` when the block ends without an error.

    If another process has made `target` meanwhile, that one stays. Raises OSError.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        yield work
        work.chmod(0o755)
        try:
            work.rename(target)
        except OSError:
            if not target.is_dir():
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def write(target: Path, content: bytes | str, *, mode: int | None = None) -> None:
    """Replace the content of `target`. Raises OSError."""
    with replacing(target, mode=mode) as file:
        file.write(content.encode() if isinstance(content, str) else content)


@contextmanager
def _partial(target: Path, mode: int | None) -> Iterator[IO[bytes]]:
    with NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
        try:
            os.fchmod(file.fileno(), _mode(target) if mode is None else mode)
            yield file
        finally:
            Path(file.name).unlink(missing_ok=True)


def _mode(target: Path) -> int:
    try:
        return target.stat().st_mode & 0o7777
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def _sync(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())
