"""An OCI image layout: a folder of blobs, and an index that names some of them.

https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from typing import IO, Any

from slipway.images.oci.descriptors import (
    INDEX,
    INDEXES,
    MANIFESTS,
    Descriptor,
    ImageError,
    digest_of,
    encode,
)

REFERENCE = "org.opencontainers.image.ref.name"
"""The annotation in `index.json` that names an image."""
VERSION = {"imageLayoutVersion": "1.0.0"}
"""The content of `oci-layout`."""
READ_LIMIT = 8 * 2**20
"""Bytes of a manifest or a configuration; registries allow 4 MiB."""
_DEPTH = 8
"""How deep indexes may hold indexes."""
_SHA256 = re.compile(r"sha256:[0-9a-f]{64}")


class Layout:
    """An OCI image layout on disk: blobs by digest, names in index.json."""

    def __init__(self, folder: Path) -> None:
        """Made if it is missing. Raises OSError."""
        self.folder = folder
        self._blobs = folder / "blobs/sha256"
        self._index = folder / "index.json"
        self._blobs.mkdir(parents=True, exist_ok=True)
        if not (version := folder / "oci-layout").exists():
            replace_content(version, encode(VERSION))
        if not self._index.exists():
            with self._locked():
                if not self._index.exists():
                    self._write_index([])

    def path(self, digest: str) -> Path:
        """Where a blob is or will be. Raises ImageError for what is not a sha256 digest."""
        if not isinstance(digest, str) or not _SHA256.fullmatch(digest):
            raise ImageError(f"{digest!r} is not a sha256 digest; the image's manifest is damaged")
        return self._blobs / digest.removeprefix("sha256:")

    def has(self, descriptor: Descriptor) -> bool:
        """Whether the blob is here with that size: blobs get their names when they are whole."""
        try:
            return self.path(descriptor.digest).stat().st_size == descriptor.size
        except FileNotFoundError:
            return False

    def read(self, descriptor: Descriptor) -> bytes:
        """A manifest or a configuration, verified. Raises ImageError."""
        if descriptor.size > READ_LIMIT:
            raise ImageError(
                f"{descriptor.digest} has {descriptor.size:,} bytes; manifests and configurations "
                f"have at most {READ_LIMIT:,}"
            )
        try:
            with self.path(descriptor.digest).open("rb") as file:
                content = file.read(READ_LIMIT + 1)
        except FileNotFoundError:
            raise ImageError(
                f"{descriptor.digest} is not in {self.folder}; get the image again"
            ) from None
        if len(content) != descriptor.size or digest_of(content) != descriptor.digest:
            raise ImageError(
                f"{descriptor.digest} in {self.folder} is damaged; delete it and get it again"
            )
        return content

    def json(self, descriptor: Descriptor) -> Any:
        """`read`, parsed. Raises ImageError."""
        try:
            return json.loads(self.read(descriptor))
        except (ValueError, RecursionError):
            raise ImageError(f"{descriptor.digest} is not JSON; the image is damaged") from None

    def add(self, content: bytes, media_type: str) -> Descriptor:
        descriptor = Descriptor(media_type, digest_of(content), len(content))
        if not self.has(descriptor):
            replace_content(self.path(descriptor.digest), content)
        return descriptor

    def add_stream(self, chunks: Iterable[bytes], descriptor: Descriptor) -> None:
        """Keep a blob that is not read into memory. Nothing is read of one that is here already.

        Raises ImageError when it is not what the descriptor says; then nothing is kept.
        """
        if not self.has(descriptor):
            whole = verified(chunks, descriptor)
            _write_whole(self.path(descriptor.digest), lambda file: file.writelines(whole))

    def tag(self, name: str, descriptor: Descriptor) -> None:
        """Name an image; a name that exists is moved. Safe with several processes."""
        annotations = {**descriptor.annotations, REFERENCE: name}
        entry = descriptor.as_json() | {"annotations": annotations}
        with self._locked():
            others = [item for item in self._entries() if _name(item) != name]
            self._write_index([*others, entry])

    def resolve(self, name: str) -> Descriptor | None:
        return self.names().get(name)

    def names(self) -> dict[str, Descriptor]:
        """Every named image. Raises ImageError when index.json is damaged."""
        entries = ((_name(item), item) for item in self._entries())
        return {name: self.descriptor(item) for name, item in entries if name}

    def images(self) -> list[Descriptor]:
        """Every image in index.json, named or not. Raises ImageError when it is damaged."""
        return [self.descriptor(item) for item in self._entries()]

    def descriptor(self, value: Any) -> Descriptor:
        """A descriptor from a manifest. Raises ImageError for what is none."""
        try:
            descriptor = Descriptor.from_json(value)
            self.path(descriptor.digest)
            if type(descriptor.size) is int and descriptor.size >= 0:
                return descriptor
        except (KeyError, TypeError, AttributeError):
            pass
        raise ImageError(f"{str(value)[:200]} is not a descriptor; the image is damaged")

    def children(self, descriptor: Descriptor) -> list[Descriptor]:
        """What an index or a manifest consists of; nothing for any other blob."""
        kinds: dict[str, Callable[[Any], list[Any]]] = {
            **dict.fromkeys(INDEXES, lambda value: list(value["manifests"])),
            **dict.fromkeys(MANIFESTS, lambda value: [value["config"], *value["layers"]]),
        }
        if descriptor.media_type not in kinds:
            return []
        try:
            found = kinds[descriptor.media_type](self.json(descriptor))
        except (KeyError, TypeError):
            raise ImageError(
                f"{descriptor.digest} is not a manifest; the image is damaged"
            ) from None
        return [self.descriptor(item) for item in found]

    def walk(self, descriptor: Descriptor) -> Iterator[Descriptor]:
        """Everything an image consists of, once, the image itself last: the order to push in."""
        yield from self._walk(descriptor, set(), _DEPTH)

    def _walk(self, descriptor: Descriptor, seen: set[str], depth: int) -> Iterator[Descriptor]:
        if descriptor.digest in seen:
            return
        if depth < 0:
            raise ImageError(f"{descriptor.digest} is an index in an index, too many times over")
        seen.add(descriptor.digest)
        for child in self.children(descriptor):
            yield from self._walk(child, seen, depth - 1)
        yield descriptor

    def platforms(self, image: Descriptor) -> dict[str, Descriptor]:
        """By platform (`linux/amd64`), the images of an index, or the image itself."""
        if image.media_type in INDEXES:
            children = self.children(image)
            return {str(child.platform): child for child in children if child.platform}
        config = self.json(self.children(image)[0])
        return {f"{config['os']}/{config['architecture']}": image}

    @contextmanager
    def sharing_blobs(self) -> Iterator["Layout"]:
        """A layout with the same blobs and names of its own, for programs that know no lock."""
        with TemporaryDirectory(prefix=".sharing-", dir=self.folder) as name:
            blobs = Path(name, "blobs")
            blobs.mkdir()
            (blobs / "sha256").symlink_to(self._blobs.resolve())
            yield Layout(Path(name))

    def _entries(self) -> list[Any]:
        try:
            entries = json.loads(self._index.read_bytes())["manifests"]
        except (ValueError, KeyError, TypeError, RecursionError):
            entries = None
        if not isinstance(entries, list):
            raise ImageError(f"{self._index} is not an OCI index; delete {self.folder}")
        return entries

    def _write_index(self, entries: list[Any]) -> None:
        replace_content(
            self._index, encode({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries})
        )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.folder / ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def verified(chunks: Iterable[bytes], descriptor: Descriptor) -> Iterator[bytes]:
    """The chunks; raises ImageError at the end when they are not what they should be."""
    size, digest = 0, hashlib.sha256()
    for chunk in chunks:
        size += len(chunk)
        if size > descriptor.size:
            raise ImageError(
                f"{descriptor.digest} is longer than its {descriptor.size:,} bytes; "
                "get the image again"
            )
        digest.update(chunk)
        yield chunk
    if size != descriptor.size:
        raise ImageError(
            f"{descriptor.digest} ended after {size:,} of {descriptor.size:,} bytes; "
            "get the image again"
        )
    if (found := f"sha256:{digest.hexdigest()}") != descriptor.digest:
        raise ImageError(f"{descriptor.digest} arrived as {found}; get the image again")


def _name(entry: Any) -> str | None:
    try:
        return entry["annotations"][REFERENCE] or None
    except (KeyError, TypeError):
        return None


def replace_content(target: Path, content: bytes) -> None:
    """Whole or not at all, also when others write the same file at the same time."""
    _write_whole(target, lambda file: file.write(content))


def _write_whole(target: Path, write: Callable[[IO[bytes]], Any]) -> None:
    """Whole or not at all: into a temporary file beside `target`, which then takes its place."""
    partial = NamedTemporaryFile(dir=target.parent, prefix=".partial-", delete=False)  # noqa: SIM115
    try:
        with partial:
            write(partial)
            os.fchmod(partial.fileno(), 0o644)
        Path(partial.name).replace(target)
    except BaseException:
        Path(partial.name).unlink(missing_ok=True)
        raise
