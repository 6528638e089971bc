"""What a program that builds images does: it puts what it built into an OCI layout."""

import shutil
import subprocess
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

from slipway.images.build.context import BuildRequest
from slipway.images.build.repack import repack
from slipway.images.oci.descriptors import Descriptor, Platform
from slipway.images.oci.layout import Layout
from slipway.images.programs import Log, follow

CA = "ca"
"""The secret with the certificates of the network's own authority; absent where there is none."""
LAST_LINES = 12
"""Of what a builder printed, in an error."""


class BuildError(Exception):
    """An image was not built; the message says why and what to do."""


class Builder(ABC):
    """A program that builds images. A kind is a subclass, in a file of its own."""

    kinds: ClassVar[list[type["Builder"]]] = []
    name: ClassVar[str]
    """What `--builder` calls it."""
    preference: ClassVar[int]
    """Of several that are installed, the one with the lowest number is taken."""
    command: ClassVar[str]

    def __init_subclass__(cls) -> None:
        Builder.kinds.append(cls)

    def __init__(self, store: Layout) -> None:
        self._store = store
        self._started: set[subprocess.Popen[str]] = set()
        self._stopped = False

    @classmethod
    def is_installed(cls) -> bool:
        """Whether it can build here."""
        return shutil.which(cls.command) is not None

    @property
    @abstractmethod
    def version(self) -> str:
        """Its name and version, for the build record."""

    def base(self, reference: str, platform: Platform, *, renew: bool) -> str:
        """An outside image by digest. `renew` looks whether its tag has moved.

        Raises BuildError.
        """
        try:
            digest = self._digest(reference, platform, renew=renew)
        except BuildError as error:
            raise BuildError(
                f"{reference} cannot be had: {str(error).splitlines()[-1]}\n"
                "Name another place of a current Debian, such as your mirror's, as --arg BASE=…"
            ) from None
        if digest is None:
            raise BuildError(f"{reference} is not for {platform}")
        return f"{_untagged(reference)}@{digest}"

    @abstractmethod
    def _digest(self, reference: str, platform: Platform, *, renew: bool) -> str | None:
        """Of an outside image; None if it is not for the platform. Raises BuildError."""

    def build(self, request: BuildRequest, context: Path, log: Log) -> Descriptor:
        """Build the Dockerfile of the folder `context` into the store.

        Raises BuildError with the last lines that were printed.
        """
        with TemporaryDirectory(prefix=".built-", dir=self._store.folder) as folder:
            layout = Layout(Path(folder))
            self._build(request, context, layout, log)
            return repack(layout, self._store)

    @abstractmethod
    def _build(self, request: BuildRequest, context: Path, layout: Layout, log: Log) -> None:
        """Build into a layout of its own. Raises BuildError."""

    def stop(self) -> None:
        """End what runs; what waits does not begin."""
        self._stopped = True
        for process in list(self._started):
            process.terminate()

    def _run(self, command: list[str], log: Log) -> None:
        """Run to the end, each line to `log`. Raises BuildError with the last ones."""
        if self._stopped:
            raise BuildError("interrupted")
        last: deque[str] = deque(maxlen=LAST_LINES)

        def line(text: str) -> None:
            log(text)
            last.append(text)

        if follow(command, line, self._started.add) != 0:
            raise BuildError("\n".join(last) or f"{command[0]} failed and said nothing")


def build_options(request: BuildRequest, parents: Mapping[str, str]) -> list[str]:
    """Options that every builder has. `parents` are references, by ARG."""
    arguments = {**request.arguments, **parents, "SOURCE_DATE_EPOCH": str(request.epoch)}
    options = [] if request.cached else ["--no-cache"]
    options += [f"--secret=id={CA},src={request.ca}"] if request.ca else []
    return options + [f"--build-arg={name}={value}" for name, value in sorted(arguments.items())]


def output_of(command: list[str]) -> str:
    """What a command prints. Raises BuildError with its errors."""
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode != 0:
        raise BuildError(done.stderr.strip() or f"{' '.join(command[:3])} failed")
    return done.stdout


def _untagged(reference: str) -> str:
    """Without tag and digest: the containers tools take one of them only."""
    name = reference.partition("@")[0]
    before, colon, tag = name.rpartition(":")
    return before if colon and "/" not in tag else name
