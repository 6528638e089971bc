"""What a program that builds images does: it puts what it built into an OCI layout."""

import shutil
import subprocess
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

from slipway.images.oci.descriptors import Descriptor, Platform
from slipway.images.oci.layout import Layout

Log = Callable[[str], None]
"""Called with each line that a builder prints."""

CA = "ca"
"""The secret with the certificates of the network's own authority; absent where there is none."""
LAST_LINES = 12
"""Of what a builder printed, in an error."""


class BuildError(Exception):
    """An image was not built; the message says why and what to do."""


@dataclass(frozen=True)
class Job:
    """One image to build."""

    name: str
    context: Path
    arguments: Mapping[str, str]
    parents: Mapping[str, Descriptor]
    """By the ARG that names it, an image of the store."""
    platforms: tuple[Platform, ...]
    epoch: int
    """The time of everything in the image, in seconds since 1970."""
    cached: bool = True
    ca: Path | None = None


class Builder(ABC):
    """A program that builds images. A kind is a subclass, in a file of its own."""

    name: ClassVar[str] = ""
    """What `--builder` calls it; a base of several kinds has none."""
    preference: ClassVar[int]
    """Of several that are installed, the one with the lowest number is taken."""
    command: ClassVar[str]

    def __init__(self, store: Layout) -> None:
        self._store = store
        self._running: set[subprocess.Popen[str]] = set()
        self._stopped = False

    @classmethod
    def is_installed(cls) -> bool:
        """Whether it can build here."""
        return shutil.which(cls.command) is not None

    @property
    @abstractmethod
    def version(self) -> str:
        """Its name and version, for the build record."""

    @abstractmethod
    def base(self, reference: str, platform: Platform, *, renew: bool) -> str:
        """An outside image by digest. `renew` looks whether its tag has moved.

        Raises BuildError.
        """

    @abstractmethod
    def build(self, job: Job, log: Log) -> Descriptor:
        """Build into the store. Raises BuildError with the last lines that were printed."""

    def stop(self) -> None:
        """End what runs; what waits does not begin."""
        self._stopped = True
        for process in list(self._running):
            process.terminate()

    def _run(self, command: list[str], log: Log) -> None:
        """Run to the end, each line to `log`. Raises BuildError with the last ones."""
        if self._stopped:
            raise BuildError("interrupted")
        last: deque[str] = deque(maxlen=LAST_LINES)
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            self._running.add(process)
            assert process.stdout is not None
            for line in process.stdout:
                log(line.rstrip("\n"))
                last.append(line.rstrip("\n"))
        self._running.discard(process)
        if process.returncode != 0:
            raise BuildError("\n".join(last) or f"{command[0]} failed and said nothing")

    @contextmanager
    def _output(self) -> Iterator[Layout]:
        """A layout for what is built, on the store's disk."""
        with TemporaryDirectory(prefix=".built-", dir=self._store.folder) as folder:
            yield Layout(Path(folder))


def base_error(reference: str, said: str) -> BuildError:
    return BuildError(
        f"{reference} cannot be had: {said.splitlines()[-1]}\n"
        "Name another place of a current Debian, such as your mirror's, as --arg BASE=…"
    )


def build_arguments(arguments: Mapping[str, str], job: Job) -> list[str]:
    known = {**arguments, "SOURCE_DATE_EPOCH": str(job.epoch)}
    return [f"--build-arg={name}={value}" for name, value in sorted(known.items())]


def output_of(command: list[str]) -> str:
    """What a command prints. Raises BuildError with its errors."""
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode != 0:
        raise BuildError(done.stderr.strip() or f"{' '.join(command[:3])} failed")
    return done.stdout


def untagged(reference: str) -> str:
    """Without tag and digest: the containers tools take one of them only."""
    name = reference.partition("@")[0]
    before, colon, tag = name.rpartition(":")
    return before if colon and "/" not in tag else name
