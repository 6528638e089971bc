"""An OCI image layout: a folder of blobs, and an index that names some of them.

https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

import fcntl
import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from slipway import files
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
_MODE = 0o644


class Layout:
    """An OCI image layout on disk: blobs by digest, names in index.json."""

    def __init__(self, folder: Path) -> None:
        """Made if it is missing. Raises OSError."""
        self.folder = folder
        self._blobs = folder / "blobs/sha256"
        self._index = folder / "index.json"
        self._blobs.mkdir(parents=True, exist_ok=True)
        if not (version := folder / "oci-layout").exists():
            files.write(version, encode(VERSION), mode=_MODE)
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
        """Store a blob that is in memory."""
        descriptor = Descriptor(media_type, digest_of(content), len(content))
        if not self.has(descriptor):
            files.write(self.path(descriptor.digest), content, mode=_MODE)
        return descriptor

    def add_stream(self, chunks: Iterable[bytes], descriptor: Descriptor) -> None:
        """Store a blob that is not read into memory. Nothing is read of one that is here already.

        Raises ImageError when it is not what the descriptor says; then nothing is stored.
        """
        if not self.has(descriptor):
            with files.replacing(self.path(descriptor.digest), mode=_MODE) as file:
                file.writelines(_verified(chunks, descriptor))

    def tag(self, name: str, descriptor: Descriptor) -> None:
        """Name an image; a name that exists is moved. Safe with several processes."""
        annotations = {**descriptor.annotations, REFERENCE: name}
        entry = descriptor.as_json() | {"annotations": annotations}
        with self._locked():
            others = [item for item in self._entries() if _name(item) != name]
            self._write_index([*others, entry])

    def resolve(self, name: str) -> Descriptor | None:
        """The image of this name."""
        return self.names().get(name)

    def names(self) -> dict[str, Descriptor]:
        """Every named image. Raises ImageError when index.json is damaged."""
        entries = ((_name(item), item) for item in self._entries())
        return {name: Descriptor.from_json(item) for name, item in entries if name}

    def images(self) -> list[Descriptor]:
        """Every image in index.json, named or not. Raises ImageError when it is damaged."""
        return [Descriptor.from_json(item) for item in self._entries()]

    def children(self, descriptor: Descriptor) -> list[Descriptor]:
        """What an index or a manifest consists of; nothing for any other blob."""
        if descriptor.media_type not in (*INDEXES, *MANIFESTS):
            return []
        value = self.json(descriptor)
        try:
            if descriptor.media_type in INDEXES:
                found = [*value["manifests"]]
            else:
                found = [value["config"], *value["layers"]]
        except (KeyError, TypeError):
            raise ImageError(
                f"{descriptor.digest} is not a manifest; the image is damaged"
            ) from None
        return [Descriptor.from_json(item) for item in found]

    def walk(self, descriptor: Descriptor) -> Iterator[Descriptor]:
        """Everything an image consists of, once, the image itself last."""
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
    def alone(self, image: Descriptor, name: str = "image") -> Iterator[Path]:
        """A layout with the same blobs that has one image, for programs that choose badly."""
        with TemporaryDirectory(prefix=".alone-", dir=self.folder) as folder:
            blobs = Path(folder, "blobs")
            blobs.mkdir()
            (blobs / "sha256").symlink_to(self._blobs.resolve())
            Layout(Path(folder)).tag(name, image)
            yield Path(folder)

    def _entries(self) -> list[Any]:
        try:
            entries = json.loads(self._index.read_bytes())["manifests"]
        except (ValueError, KeyError, TypeError, RecursionError):
            entries = None
        if not isinstance(entries, list):
            raise ImageError(f"{self._index} is not an OCI index; delete {self.folder}")
        return entries

    def _write_index(self, entries: list[Any]) -> None:
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
        files.write(self._index, encode(index), mode=_MODE)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.folder / ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _verified(chunks: Iterable[bytes], descriptor: Descriptor) -> Iterator[bytes]:
    """The chunks; raises ImageError at the end when they are not what they should be."""
    size, digest = 0, hashlib.sha256()
    for chunk in chunks:
        size += len(chunk)
        digest.update(chunk)
        if size <= descriptor.size:
            yield chunk
    if size != descriptor.size or f"sha256:{digest.hexdigest()}" != descriptor.digest:
        raise ImageError(
            f"{descriptor.digest} of {descriptor.size:,} bytes arrived as "
            f"sha256:{digest.hexdigest()} of {size:,}; get the image again"
        )


def _name(entry: Any) -> str | None:
    try:
        return entry["annotations"][REFERENCE] or None
    except (KeyError, TypeError):
        return None
