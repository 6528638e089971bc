"""Images from one registry to another, with all their platforms and what refers to them.

skopeo moves the blobs of an image and then its manifest, by digest. Tags follow when every image is
there: a copy that was killed has changed nothing that anybody pulls, and the next one finds the
blobs it left.
"""

import json
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any

from slipway.images.oci.descriptors import INDEX, INDEXES, Descriptor, encode
from slipway.images.registry import skopeo
from slipway.images.registry.reference import Reference
from slipway.images.registry.registry import Registry
from slipway.images.registry.transfer import confirm

PARALLEL = 6
"""Concurrent requests to a registry. Of an image, skopeo copies six blobs at a time."""

Progress = Callable[[int], None]
"""Called with the number of bytes that are there now, or need not be moved."""


@dataclass(frozen=True)
class ImageCopy:
    """One image to copy: `source` has a digest, `target` the tag that it gets."""

    name: str
    source: Reference
    target: Reference


@dataclass
class CopiedImage:
    """What was done. Skipped blobs were there, or were mounted from another repository."""

    name: str
    digest: str
    copied_blobs: int = 0
    skipped_blobs: int = 0
    bytes: int = 0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class _Source:
    """All of an image in the registry it comes from."""

    image: ImageCopy
    top: Descriptor
    manifests: set[str] = field(default_factory=set)
    blobs: dict[str, int] = field(default_factory=dict)
    """Sizes in bytes, by digest."""
    referrers: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """By a manifest's digest, descriptors of what refers to it."""
    cosign_tags: set[str] = field(default_factory=set)
    """Tags that cosign makes of a digest: `sha256-….sig`, `.att`, `.sbom`."""


def copy_images(
    images: Iterable[ImageCopy],
    source: Registry,
    target: Registry,
    progress: Progress = lambda _: None,
    expected: Progress = lambda _: None,
) -> list[CopiedImage]:
    """Copy the images, all of every index and what refers to them. Raises ImageError.

    `expected` gets the size of all blobs together, once it is known.
    """
    copier = _Copier(source, target, progress)
    with ThreadPoolExecutor(PARALLEL) as pool:
        found = list(pool.map(copier.read, images))
        expected(sum(sum(one.blobs.values()) for one in found))
        copied = [copier.copy(one) for one in found]
        list(pool.map(copier.tag, found))
    return copied


class _Copier:
    def __init__(self, source: Registry, target: Registry, progress: Progress) -> None:
        self._source, self._target, self._progress = source, target, progress
        self._tags: dict[str, list[str]] = {}
        self._lock = threading.Lock()

    def read(self, image: ImageCopy) -> _Source:
        top, content = self._source.manifest(image.source)
        found = _Source(image, top)
        self._read(found, top, content)
        return found

    def _read(self, found: _Source, manifest: Descriptor, content: bytes) -> None:
        """A manifest's blobs, and the manifests that it names or that refer to it."""
        if manifest.digest in found.manifests:
            return
        found.manifests.add(manifest.digest)
        here, value = found.image.source.at(manifest.digest), json.loads(content)
        for blob in map(Descriptor.from_json, [*_config(value), *value.get("layers", [])]):
            found.blobs[blob.digest] = blob.size
        if referrers := self._referrers(here):
            found.referrers[manifest.digest] = referrers
        found.cosign_tags |= {
            tag
            for tag in self._tags[here.name]
            if tag.startswith(f"{_referrers_tag(manifest.digest)}.")
        }
        for other in map(Descriptor.from_json, [*value.get("manifests", []), *referrers]):
            self._read(found, *self._source.manifest(here.at(other.digest)))

    def _referrers(self, image: Reference) -> list[dict[str, Any]]:
        """Descriptors of what refers to an image, by the registry's API or its fallback tag."""
        with self._lock:
            if image.name not in self._tags:
                self._tags[image.name] = self._source.tags(image)
        listed = self._source.referrers(image)
        tag = _referrers_tag(str(image.digest))
        if listed is None and tag in self._tags[image.name]:
            listed = json.loads(self._source.manifest(image.tagged(tag))[1]).get("manifests")
        return listed or []

    def copy(self, found: _Source) -> CopiedImage:
        """Everything of an image but its tag, into its repository."""
        image, done = found.image, CopiedImage(found.image.name, found.top.digest)
        sent: set[str] = set()

        def uploaded(digest: str) -> None:
            if digest in found.blobs and digest not in sent:
                sent.add(digest)
                self._progress(found.blobs[digest])

        referrers = (str(one["digest"]) for listed in found.referrers.values() for one in listed)
        for digest in dict.fromkeys([found.top.digest, *referrers]):
            source, target = image.source.at(digest), image.target.at(digest)
            if self._target.digest(target) != digest:
                self._copy(source, target, uploaded)
        for tag in sorted(found.cosign_tags):
            if self._target.digest(image.target.tagged(tag)) is None:
                self._copy(image.source.tagged(tag), image.target.tagged(tag), uploaded)
        for digest, listed in found.referrers.items():
            self._list_referrers(image.target.at(digest), listed)
        done.copied_blobs, done.skipped_blobs = len(sent), len(found.blobs) - len(sent)
        done.bytes = sum(found.blobs[digest] for digest in sent)
        self._progress(sum(found.blobs.values()) - done.bytes)
        return done

    def _copy(self, source: Reference, target: Reference, uploaded: Callable[[str], None]) -> None:
        options = ["--all", *self._source.options("src-"), *self._target.options("dest-")]
        problem = skopeo.copy(f"docker://{source}", f"docker://{target}", options, uploaded)
        if problem:
            raise skopeo.copy_error(problem, source, target)

    def _list_referrers(self, image: Reference, referrers: list[dict[str, Any]]) -> None:
        """List referrers under the tag that stands for it, if the registry does not."""
        if self._target.referrers(image) is not None:
            return
        tagged, listed = image.tagged(_referrers_tag(str(image.digest))), dict[str, Any]()
        if self._target.digest(tagged):
            there = json.loads(self._target.manifest(tagged)[1])["manifests"]
            listed = {one["digest"]: one for one in there}
        if all(one["digest"] in listed for one in referrers):
            return
        listed |= {one["digest"]: one for one in referrers}
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": list(listed.values())}
        self._target.store_referrers(tagged, encode(index))

    def tag(self, found: _Source) -> None:
        """Last of all, and only what is not so already: a registry may hold its tags immutable."""
        target, digest = found.image.target, found.top.digest
        if self._target.digest(target) == digest:
            return
        options = [*self._target.options("src-"), *self._target.options("dest-")]
        options += ["--multi-arch=index-only"] if found.top.media_type in INDEXES else []
        untagged = f"docker://{target.at(digest)}"
        if problem := skopeo.copy(untagged, f"docker://{target}", options):
            raise skopeo.registry_error(problem, target)
        confirm(self._target, target, digest)


def _config(manifest: dict[str, Any]) -> list[Any]:
    return [manifest["config"]] if "config" in manifest else []


def _referrers_tag(digest: str) -> str:
    return digest.replace(":", "-")
