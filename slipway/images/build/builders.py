"""The programs that build images. Each puts what it built into an OCI layout; the rest is ours."""

import json
import os
import shutil
import subprocess
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from slipway.images.build.repack import repack
from slipway.images.oci.descriptors import Descriptor, ImageError, Platform
from slipway.images.oci.layout import Layout
from slipway.images.registry.reference import Reference

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
    command: str

    def __init__(self, store: Layout) -> None:
        self._store = store
        self._running: set[subprocess.Popen[str]] = set()
        self._stopped = False

    @classmethod
    def is_here(cls) -> bool:
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


class ContainersBuilder(Builder):
    """buildah and podman: one library, one storage, the same options.

    https://github.com/containers/buildah/blob/main/docs/buildah-build.1.md
    """

    push_options: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        return _printed([self.command, "--version"]).strip()

    def base(self, reference: str, platform: Platform, *, renew: bool) -> str:
        if renew or not self._digest(reference, platform):
            command = [self.command, "pull", "-q", f"--os={platform.os}"]
            command += [f"--arch={platform.architecture}"]
            command += [f"--variant={platform.variant}"] if platform.variant else []
            command += ["--tls-verify=false"] if _is_local(reference) else []
            try:
                _printed([*command, reference])
            except BuildError as error:
                raise _no_base(reference, str(error)) from None
        if digest := self._digest(reference, platform):
            return f"{_untagged(reference)}@{digest}"
        raise BuildError(f"{reference} is not for {platform}")

    def _digest(self, reference: str, platform: Platform) -> str | None:
        """The digest of an image in the builder's storage, if it is there for the platform."""
        asked = [self.command, "inspect", "--type=image", reference]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return None
        found = json.loads(done.stdout)
        if isinstance(found, list):  # podman's way
            is_for = (found[0]["Os"], found[0]["Architecture"])
            digest = str(found[0]["Digest"])
        else:
            is_for = (found["OCIv1"]["os"], found["OCIv1"]["architecture"])
            digest = str(found["FromImageDigest"])
        return digest if is_for == (platform.os, platform.architecture) else None

    def build(self, job: Job, log: Log) -> Descriptor:
        if len(job.platforms) > 1:
            raise BuildError(
                f"{self.command} builds one platform at a time here: name one as --platform, or "
                "use --builder buildx"
            )
        image = f"localhost/slipway/{job.name}:build"
        command = [self.command, "build", "--format=oci", "--pull=false"]
        command += ["--identity-label=false", f"--timestamp={job.epoch}", f"--tag={image}"]
        command += [f"--platform={job.platforms[0]}"]
        # chroot needs no privileges of a container engine, and is the same wherever it runs.
        command += [] if "BUILDAH_ISOLATION" in os.environ else ["--isolation=chroot"]
        # Cached layers have the time they were built with, which is not asked for again.
        command += ["--layers"] if job.epoch == 0 else ["--layers=false"]
        command += [] if job.cached else ["--no-cache"]
        command += [f"--secret=id={CA},src={job.ca}"] if job.ca else []
        parents = {name: self._parent(parent) for name, parent in job.parents.items()}
        command += _arguments({**job.arguments, **parents}, job)
        self._run([*command, str(job.context)], log)
        with self._output() as layout:
            target = f"oci:{layout.folder}:built"
            push = [self.command, "push", "-q", "--format=oci", *self.push_options]
            self._run([*push, image, target], log)
            return repack(layout, self._store)

    def _parent(self, parent: Descriptor) -> str:
        """A parent in the builder's storage, by its id; brought there if it was removed."""
        image = self._store.children(parent)[0].digest.removeprefix("sha256:")
        asked = [self.command, "inspect", "--type=image", image]
        if subprocess.run(asked, capture_output=True, check=False).returncode != 0:
            with self._store.alone(parent) as folder:
                _printed([self.command, "pull", "-q", f"oci:{folder}"])
        return image


class Buildah(ContainersBuilder):
    command = "buildah"
    # Fast: it is compressed again here.
    push_options = ("--compression-format=gzip", "--compression-level=1")


class Podman(ContainersBuilder):
    command = "podman"


class Buildx(Builder):
    """Docker's BuildKit, with a builder that can write OCI layouts, for several platforms at once.

    https://docs.docker.com/reference/cli/docker/buildx/build/
    """

    command = "docker"

    @classmethod
    def is_here(cls) -> bool:
        """Whether there is an engine as well: the client alone builds nothing."""
        asked = [cls.command, "buildx", "inspect"]
        return super().is_here() and (
            subprocess.run(asked, capture_output=True, check=False, timeout=60).returncode == 0
        )

    @property
    def version(self) -> str:
        return _printed([self.command, "buildx", "version"]).strip()

    def base(self, reference: str, platform: Platform, *, renew: bool) -> str:
        asked = [self.command, "buildx", "imagetools", "inspect", reference]
        try:
            digest = _printed([*asked, "--format={{.Manifest.Digest}}"]).strip()
        except BuildError as error:
            raise _no_base(reference, str(error)) from None
        return f"{_untagged(reference)}@{digest}"

    def build(self, job: Job, log: Log) -> Descriptor:
        command = [self.command, "buildx", "build", "--progress=plain", "--provenance=false"]
        command += [f"--platform={','.join(map(str, job.platforms))}"]
        command += [] if job.cached else ["--no-cache"]
        command += [f"--secret=id={CA},src={job.ca}"] if job.ca else []
        parents = {}
        for name, parent in job.parents.items():
            # A context of that name stands for the image in FROM and COPY --from.
            parents[name] = f"slipway-{name.lower()}"
            place = f"oci-layout://{self._store.folder.resolve()}@{parent.digest}"
            command.append(f"--build-context={parents[name]}={place}")
        command += _arguments({**job.arguments, **parents}, job)
        with self._output() as layout:
            options = "tar=false,oci-mediatypes=true,rewrite-timestamp=true"
            command.append(f"--output=type=oci,dest={layout.folder},{options}")
            self._run([*command, str(job.context)], log)
            return repack(layout, self._store)


KINDS: Mapping[str, type[Builder]] = {"buildx": Buildx, "buildah": Buildah, "podman": Podman}


def find(store: Layout, wanted: str | None = None) -> Builder:
    """The wanted builder, or the first that is here. Raises BuildError that says how to get one."""
    if wanted is not None and wanted not in KINDS:
        raise BuildError(f"there is no builder {wanted!r}, there is {', '.join(KINDS)}")
    for name, kind in KINDS.items():
        if wanted in (None, name) and kind.is_here():
            return kind(store)
    here = f"{wanted} is" if wanted else "docker buildx, buildah and podman are"
    raise BuildError(
        f"{here} not here: install one (Debian, Ubuntu: apt install buildah; Fedora: dnf install "
        "buildah; with Docker: docker buildx create --use)"
    )


def _no_base(reference: str, said: str) -> BuildError:
    return BuildError(
        f"{reference} cannot be had: {said.splitlines()[-1]}\n"
        "Name another place of a current Debian, such as your mirror's, as --arg BASE=…"
    )


def _arguments(arguments: Mapping[str, str], job: Job) -> list[str]:
    known = {**arguments, "SOURCE_DATE_EPOCH": str(job.epoch)}
    return [f"--build-arg={name}={value}" for name, value in sorted(known.items())]


def _printed(command: list[str]) -> str:
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


def _is_local(reference: str) -> bool:
    try:
        return Reference.parse(reference).is_local
    except ImageError:
        return False  # an id, or another of the builder's own ways to name an image
