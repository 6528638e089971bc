"""Images between a registry and a layout: nothing twice, everything checked, manifests last."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from slipway.images.oci.descriptors import INDEXES, MANIFESTS, Descriptor, ImageError, Platform
from slipway.images.oci.image import fits
from slipway.images.oci.layout import Layout
from slipway.images.oci.reference import Reference
from slipway.images.oci.registry import CHUNK, Registry

PARALLEL = 4
"""Blobs at a time."""

Progress = Callable[[int], None]
"""Called with the number of bytes that have just been moved."""


@dataclass
class Pushed:
    """What a push did. `bytes` are those that were sent."""

    copied: int = 0
    skipped: int = 0
    bytes: int = 0


@dataclass
class Pusher:
    """Pushes images into one registry; a blob that one repository has is mounted by the others."""

    layout: Layout
    registry: Registry
    progress: Progress = lambda _: None
    _at: dict[str, str] = field(default_factory=dict)
    """By digest, a repository that is known to have the blob."""

    def push(self, image: Descriptor, target: Reference, tags: Iterable[str]) -> Pushed:
        """Store an image or an index under each of `tags`. A tag is moved when all is there.

        Raises ImageError.
        """
        parts = list(self.layout.walk(image))
        blobs = {part.digest: part for part in parts if not is_manifest(part)}
        pushed = Pushed()
        with ThreadPoolExecutor(PARALLEL) as pool:
            for sent in pool.map(lambda blob: self._blob(target, blob), blobs.values()):
                pushed.copied, pushed.skipped = pushed.copied + sent[0], pushed.skipped + sent[1]
                pushed.bytes += sent[2]
        untagged = replace(target, tag=None)
        for part in filter(is_manifest, parts):
            self.registry.put_manifest(untagged, part, self.layout.read(part))
        for tag in tags:
            tagged = replace(target, tag=tag, digest=None)
            self.registry.put_manifest(tagged, image, self.layout.read(image))
        return pushed

    def _blob(self, target: Reference, blob: Descriptor) -> tuple[int, int, int]:
        if self._at.get(blob.digest) == target.repository or self.registry.has_blob(target, blob):
            self._at[blob.digest] = target.repository
            self.progress(blob.size)
            return 0, 1, 0
        mount = self._at.get(blob.digest)
        sent = self.registry.upload(target, blob, lambda: self._content(blob), mount)
        self._at[blob.digest] = target.repository
        if not sent:
            self.progress(blob.size)
        return (1, 0, blob.size) if sent else (0, 1, 0)

    def _content(self, blob: Descriptor) -> Iterator[bytes]:
        with self.layout.path(blob.digest).open("rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk
                self.progress(len(chunk))


def pull(
    registry: Registry,
    reference: Reference,
    layout: Layout,
    platform: Platform | None = None,
    progress: Progress = lambda _: None,
) -> Descriptor:
    """Bring an image into `layout`: of an index, the one for `platform`, or all of it.

    What is there already is not asked for again. Raises ImageError.
    """
    top, content = registry.manifest(reference)
    layout.add(content, top.media_type)
    if top.media_type in INDEXES:
        children = [Descriptor.from_json(value) for value in layout.json(top)["manifests"]]
        if platform:
            child = _for_platform(children, platform, reference)
            return pull(registry, _at(reference, child), layout, None, progress)
        for child in children:
            pull(registry, _at(reference, child), layout, None, progress)
        return top
    manifest = layout.json(top)
    blobs = [Descriptor.from_json(value) for value in (manifest["config"], *manifest["layers"])]

    def bring(blob: Descriptor) -> None:
        if layout.has(blob):
            progress(blob.size)
            return
        layout.add_stream(_counted(registry.blob(reference, blob), progress), blob)

    with ThreadPoolExecutor(PARALLEL) as pool:
        list(pool.map(bring, {blob.digest: blob for blob in blobs}.values()))
    return top


def pull_image(reference: str, layout: Layout, platform: Platform | None) -> Descriptor:
    """`pull`, from the registry that the reference names. Raises ImageError."""
    named = Reference.parse(reference)
    with Registry(named) as registry:
        return pull(registry, named, layout, platform)


def push_image(reference: str, layout: Layout, image: Descriptor) -> None:
    """Store an image under the tag that the reference names. Raises ImageError."""
    named = Reference.parse(reference)
    with Registry(named, push=True) as registry:
        Pusher(layout, registry).push(image, named, [named.tag] if named.tag else [])


def _for_platform(
    children: list[Descriptor], platform: Platform, reference: Reference
) -> Descriptor:
    for child in children:
        if child.platform and fits(child.platform, platform):
            return child
    known = ", ".join(str(c.platform) for c in children if c.platform) or "none"
    raise ImageError(f"{reference} has no image for {platform}; it has: {known}")


def _at(reference: Reference, child: Descriptor) -> Reference:
    return replace(reference, tag=None, digest=child.digest)


def _counted(chunks: Iterable[bytes], progress: Progress) -> Iterator[bytes]:
    for chunk in chunks:
        yield chunk
        progress(len(chunk))


def is_manifest(part: Descriptor) -> bool:
    return part.media_type in (*INDEXES, *MANIFESTS)
