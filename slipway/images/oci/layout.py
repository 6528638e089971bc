"""An OCI image layout: a folder of blobs, and an index that names some of them.

https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

import fcntl
import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from slipway import files
from slipway.images.oci.descriptors import (
    INDEXES,
    MANIFESTS,
    SHA256,
    Descriptor,
    ImageError,
    digest_of,
    encode,
    index_of,
)
from slipway.untrusted import MOST_BYTES, parse_json

REFERENCE = "org.opencontainers.image.ref.name"
"""The annotation in `index.json` that names an image."""
READ_LIMIT = MOST_BYTES
"""Bytes of a manifest or a configuration."""
DEPTH = 8
"""How deep indexes may hold indexes."""
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
            files.write(version, encode({"imageLayoutVersion": "1.0.0"}), mode=_MODE)
        if not self._index.exists():
            with self._locked():
                if not self._index.exists():
                    self._write_index([])

    def path(self, digest: str) -> Path:
        """Where a blob is or will be. Raises ImageError for what is not a sha256 digest."""
        if not SHA256.fullmatch(digest):
            raise ImageError(f"{digest!r} is not a sha256 digest; the image's manifest is damaged")
        return self._blobs / digest.removeprefix("sha256:")

    def has(self, descriptor: Descriptor) -> bool:
        """Whether the blob is here with that size: blobs get their names when they are whole."""
        path = self.path(descriptor.digest)
        return path.is_file() and path.stat().st_size == descriptor.size

    def read(self, descriptor: Descriptor) -> bytes:
        """A manifest or a configuration, verified. Raises ImageError."""
        if descriptor.size > READ_LIMIT:
            raise ImageError(
                f"{descriptor.digest} has {descriptor.size:,} bytes; manifests and configurations "
                f"have at most {READ_LIMIT:,}"
            )
        path = self.path(descriptor.digest)
        if not path.is_file():
            raise ImageError(f"{descriptor.digest} is not in {self.folder}; get the image again")
        with path.open("rb") as file:
            content = file.read(READ_LIMIT + 1)
        if len(content) != descriptor.size or digest_of(content) != descriptor.digest:
            raise ImageError(
                f"{descriptor.digest} in {self.folder} is damaged; delete it and get it again"
            )
        return content

    def json(self, descriptor: Descriptor) -> Any:
        """`read`, parsed. Raises ImageError."""
        try:
            return parse_json(self.read(descriptor))
        except ValueError:
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
        if self.has(descriptor):
            return
        size, hashed = 0, hashlib.sha256()
        with files.replacing(self.path(descriptor.digest), mode=_MODE) as file:
            for chunk in chunks:
                size += len(chunk)
                hashed.update(chunk)
                file.write(chunk)
            digest = f"sha256:{hashed.hexdigest()}"
            if (size, digest) != (descriptor.size, descriptor.digest):
                raise ImageError(
                    f"{descriptor.digest} of {descriptor.size:,} bytes arrived as {digest} of "
                    f"{size:,}; get the image again"
                )

    def tag(self, name: str, descriptor: Descriptor) -> None:
        """Name an image; a name that exists is moved. Safe with several processes."""
        annotations = {**descriptor.annotations, REFERENCE: name}
        with self._locked():
            others = [image for image in self.images() if image.annotations.get(REFERENCE) != name]
            self._write_index([*others, replace(descriptor, annotations=annotations)])

    def resolve(self, name: str) -> Descriptor | None:
        """The image of this name."""
        return self.names().get(name)

    def names(self) -> dict[str, Descriptor]:
        """Every named image. Raises ImageError when index.json is damaged."""
        names = ((image.annotations.get(REFERENCE), image) for image in self.images())
        return {name: image for name, image in names if name}

    def images(self) -> list[Descriptor]:
        """Every image in index.json, named or not. Raises ImageError when it is damaged."""
        try:
            with self._index.open("rb") as index:
                content = index.read(READ_LIMIT + 1)
            return [*map(Descriptor.from_json, parse_json(content)["manifests"])]
        except (ValueError, KeyError, TypeError, ImageError):
            raise ImageError(f"{self._index} is not an OCI index; delete {self.folder}") from None

    def children(self, descriptor: Descriptor) -> list[Descriptor]:
        """What an index or a manifest consists of; nothing for any other blob."""
        if descriptor.media_type not in (*INDEXES, *MANIFESTS):
            return []
        value, is_index = self.json(descriptor), descriptor.media_type in INDEXES
        try:
            parts = [*value["manifests"]] if is_index else [value["config"], *value["layers"]]
        except (KeyError, TypeError):
            raise ImageError(
                f"{descriptor.digest} is not a manifest; the image is damaged"
            ) from None
        return [Descriptor.from_json(part) for part in parts]

    def walk(self, descriptor: Descriptor) -> Iterator[Descriptor]:
        """Everything an image consists of, once, the image itself last."""
        yield from self._walk(descriptor, set(), DEPTH)

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
        try:
            config = self.json(self.children(image)[0])
            return {f"{config['os']}/{config['architecture']}": image}
        except (KeyError, TypeError, IndexError):
            raise ImageError(f"{image.digest} is for no platform; the image is damaged") from None

    @contextmanager
    def alone(self, image: Descriptor, name: str = "image") -> Iterator[Path]:
        """A layout with the same blobs that has one image, for programs that choose badly."""
        with TemporaryDirectory(prefix=".alone-", dir=self.folder) as folder:
            blobs = Path(folder, "blobs")
            blobs.mkdir()
            (blobs / "sha256").symlink_to(self._blobs.resolve())
            Layout(Path(folder)).tag(name, image)
            yield Path(folder)

    def _write_index(self, images: list[Descriptor]) -> None:
        files.write(self._index, index_of(image.as_json() for image in images), mode=_MODE)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.folder / ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
