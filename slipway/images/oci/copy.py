"""Images from one registry to another, blob by blob: none is ever whole on this machine.

Blobs go first, manifests when all blobs are there, tags when everything is: a copy that was
killed has changed nothing that anybody pulls, and the next one finds the blobs it left.
"""

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from slipway.images.oci.descriptors import INDEX, Descriptor, ImageError, encode
from slipway.images.oci.layout import Layout, verified
from slipway.images.oci.reference import Reference
from slipway.images.oci.registry import Registry, referrers_tag
from slipway.images.oci.transfer import Progress, is_manifest

PARALLEL = 6
"""Blobs at a time."""


@dataclass(frozen=True)
class Wanted:
    """One image: `source` has a digest, `target` the tag that it gets."""

    name: str
    source: Reference
    target: Reference


@dataclass
class Copied:
    """What became of it. Skipped blobs were there, or were mounted from another repository."""

    name: str
    digest: str
    copied_blobs: int = 0
    skipped_blobs: int = 0
    bytes: int = 0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class _Image:
    wanted: Wanted
    top: Descriptor
    parts: dict[str, Descriptor] = field(default_factory=dict)
    """By digest, in the order to push in: what a manifest names comes before it."""
    attached: dict[str, list[Any]] = field(default_factory=dict)
    """By a manifest's digest, the descriptors of what is attached to it."""


def copy(
    images: Iterable[Wanted],
    source: Registry,
    target: Registry,
    progress: Progress = lambda _: None,
    expected: Progress = lambda _: None,
) -> list[Copied]:
    """Copy the images, all of every index and what is attached to it. Raises ImageError.

    `expected` is told the size of all blobs together, once it is known.
    """
    with (
        TemporaryDirectory(prefix="slipway-manifests-") as folder,
        ThreadPoolExecutor(PARALLEL) as pool,
    ):
        copier = _Copier(source, target, Layout(Path(folder)), pool, progress)
        found = list(pool.map(copier.read, images))
        blobs = copier.blobs(found)
        expected(sum(blob.size * len(places) for blob, places in blobs))
        done = copier.send(blobs)
        list(pool.map(copier.put_manifests, found))
        list(pool.map(copier.tag, found))
    return [done[image.wanted.name] for image in found]


class _Copier:
    def __init__(
        self,
        source: Registry,
        target: Registry,
        manifests: Layout,
        pool: ThreadPoolExecutor,
        progress: Progress,
    ) -> None:
        self._source, self._target, self._manifests = source, target, manifests
        self._pool, self._progress = pool, progress
        self._stopped, self._lock = threading.Event(), threading.Lock()
        self._done: dict[str, Copied] = {}

    def read(self, wanted: Wanted) -> _Image:
        """Every manifest of an image, from the source, each checked against its digest."""
        image = _Image(wanted, self._fetch(wanted.source))
        self._read(image, image.top)
        with self._lock:
            self._done[wanted.name] = Copied(wanted.name, image.top.digest)
        return image

    def _read(self, image: _Image, top: Descriptor) -> None:
        self._fetch_children(image.wanted.source, top)
        parts = {part.digest: part for part in self._manifests.walk(top)}
        new = {digest: part for digest, part in parts.items() if digest not in image.parts}
        image.parts |= new
        for digest in (digest for digest, part in new.items() if is_manifest(part)):
            if attached := self._source.referrers(image.wanted.source, digest):
                image.attached[digest] = attached
                for value in attached:
                    descriptor = self._manifests.descriptor(value)
                    if descriptor.digest not in image.parts:
                        self._read(image, self._fetch(_at(image.wanted.source, descriptor.digest)))

    def _fetch(self, reference: Reference) -> Descriptor:
        descriptor, content = self._source.manifest(reference)
        return self._manifests.add(content, descriptor.media_type)

    def _fetch_children(self, reference: Reference, descriptor: Descriptor) -> None:
        for child in filter(is_manifest, self._manifests.children(descriptor)):
            if not self._manifests.has(child):
                self._fetch(_at(reference, child.digest))
            self._fetch_children(reference, child)

    def blobs(self, images: Iterable[_Image]) -> list[tuple[Descriptor, list[Wanted]]]:
        """Every blob with the images that have it, the largest first: none of them comes last."""
        needed: dict[str, list[Wanted]] = defaultdict(list)
        known: dict[str, Descriptor] = {}
        for image in images:
            for part in image.parts.values():
                if not is_manifest(part):
                    known[part.digest] = part
                    needed[part.digest].append(image.wanted)
        order = sorted(known.values(), key=lambda blob: (-blob.size, blob.digest))
        return [(blob, needed[blob.digest]) for blob in order]

    def send(self, blobs: list[tuple[Descriptor, list[Wanted]]]) -> dict[str, Copied]:
        """All of them, or none that is not under way once one has failed."""
        sent = [self._pool.submit(self._send, *one) for one in blobs]
        try:
            for one in as_completed(sent):
                one.result()
        except BaseException:
            self._stopped.set()
            for one in sent:
                one.cancel()
            raise
        return self._done

    def _send(self, blob: Descriptor, images: list[Wanted]) -> None:
        """Into every repository that needs it; over the network once, if at all."""
        there = {i.name for i in images if self._target.has_blob(i.target, blob)}
        mount = next((i.target.repository for i in images if i.name in there), None)
        for image in images:
            copied = image.name not in there and self._upload(image, blob, mount)
            mount = mount or image.target.repository
            if not copied:
                self._progress(blob.size)
            with self._lock:
                done = self._done[image.name]
                done.copied_blobs += copied
                done.skipped_blobs += not copied
                done.bytes += blob.size * copied

    def _upload(self, image: Wanted, blob: Descriptor, mount: str | None) -> bool:
        return self._target.upload(image.target, blob, lambda: self._content(image, blob), mount)

    def _content(self, image: Wanted, blob: Descriptor) -> Iterator[bytes]:
        for chunk in verified(self._source.blob(image.source, blob), blob):
            if self._stopped.is_set():
                raise ImageError("stopped, as another blob could not be copied")
            yield chunk
            self._progress(len(chunk))

    def put_manifests(self, image: _Image) -> None:
        target = replace(image.wanted.target, tag=None)
        for part in filter(is_manifest, image.parts.values()):
            if not self._target.has_manifest(target, part.digest):
                self._target.put_manifest(target, part, self._manifests.read(part))
        for digest, attached in image.attached.items():
            self._attach(target, digest, attached)

    def _attach(self, target: Reference, digest: str, attached: list[Any]) -> None:
        """By the tag that stands in for the API, if the registry does not list them itself."""
        listed = {value["digest"]: value for value in self._target.referrers(target, digest)}
        if all(value["digest"] in listed for value in attached):
            return
        both = listed | {value["digest"]: value for value in attached}
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": list(both.values())}
        described = self._manifests.add(encode(index), INDEX)
        tagged = replace(target, tag=referrers_tag(digest))
        self._target.put_manifest(tagged, described, self._manifests.read(described))

    def tag(self, image: _Image) -> None:
        """Last of all, and only what is not so already: a registry may hold its tags immutable."""
        target, top = image.wanted.target, image.top
        if self._target.digest(target) != top.digest:
            self._target.put_manifest(target, top, self._manifests.read(top))


def _at(reference: Reference, digest: str) -> Reference:
    return replace(reference, tag=None, digest=digest)
