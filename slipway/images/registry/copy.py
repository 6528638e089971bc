"""Images from one registry to another, with all their platforms and what refers to them.

skopeo moves the blobs of an image and then its manifest, by digest. Tags follow when every image is
there: a copy that was killed has changed nothing that anybody pulls, and the next one finds the
blobs it left.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any

from slipway.images.oci.descriptors import INDEXES, Descriptor, ImageError
from slipway.images.oci.layout import DEPTH
from slipway.images.registry import skopeo
from slipway.images.registry.reference import Reference
from slipway.images.registry.referrers import tag_of
from slipway.images.registry.registry import Registry
from slipway.images.registry.transfer import confirm
from slipway.untrusted import parse_json

PARALLEL = 6
"""Concurrent requests to a registry. Of an image, skopeo copies six blobs at a time."""
_MOST_MANIFESTS = 500
"""Of an image: its platforms', and what is attached to them."""

Progress = Callable[[int], None]
"""Called with the number of bytes that are there now, or need not be moved."""


@dataclass(frozen=True)
class ImageCopy:
    """One image to copy: `source` has a digest, `target` the tag that it gets."""

    name: str
    source: Reference
    target: Reference


@dataclass(frozen=True)
class CopiedImage:
    """What was done. Skipped blobs were there, or were mounted from another repository."""

    name: str
    digest: str
    copied_blobs: int
    skipped_blobs: int
    bytes: int

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class _SourceImage:
    """All of an image in the registry it comes from."""

    image: ImageCopy
    top: Descriptor
    manifests: set[str] = field(default_factory=set)
    blobs: dict[str, int] = field(default_factory=dict)
    """Sizes in bytes, by digest."""
    referrers: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """By a manifest's digest, descriptors of what refers to it."""
    cosign_tags: list[str] = field(default_factory=list)
    """Tags that cosign makes of a digest: `sha256-….sig`, `.att`, `.sbom`."""

    @property
    def size(self) -> int:
        return sum(self.blobs.values())


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
        sources = list(pool.map(copier.read, images))
        expected(sum(image.size for image in sources))
        copied = [copier.copy(image) for image in sources]
        list(pool.map(copier.tag, sources))
    return copied


class _Copier:
    def __init__(self, source: Registry, target: Registry, progress: Progress) -> None:
        self._source, self._target, self._progress = source, target, progress
        self._checked: set[str] = set()
        """Repositories of the target whose uploads are known to stay there."""

    def read(self, image: ImageCopy) -> _SourceImage:
        top, content = self._source.manifest(image.source)
        source = _SourceImage(image, top)
        # What a registry lists may go on for ever: what is attached may have something attached.
        pending = [(top.digest, 0)]
        while pending:
            digest, depth = pending.pop()
            if digest in source.manifests:
                continue
            source.manifests.add(digest)
            if digest != top.digest:
                content = self._source.manifest(image.source.at(digest))[1]
            others = self._parts(source, digest, content)
            pending += [(other.digest, depth + 1) for other in reversed(others)]
            if depth > DEPTH or len(source.manifests) + len(pending) > _MOST_MANIFESTS:
                raise ImageError(
                    f"{image.source} does not end: more than {_MOST_MANIFESTS} manifests, or one "
                    f"in another more than {DEPTH} times"
                )
        stems = {tag_of(digest) for digest in source.manifests}
        tags = sorted(self._source.tags(image.source))
        source.cosign_tags = [tag for tag in tags if "." in tag and tag.partition(".")[0] in stems]
        return source

    def _parts(self, source: _SourceImage, digest: str, content: bytes) -> list[Descriptor]:
        """Note a manifest's blobs, and return the manifests that it names or that refer to it."""
        reference = source.image.source.at(digest)
        try:
            value = parse_json(content)
            blobs = [value["config"]] if "config" in value else []
            blobs += value.get("layers", [])
            manifests = [*value.get("manifests", [])]
        except (ValueError, TypeError, AttributeError):
            raise ImageError(f"{reference} is not a manifest; the image is damaged") from None
        for blob in map(Descriptor.from_json, blobs):
            source.blobs[blob.digest] = blob.size
        if referrers := self._source.referrers.of(reference):
            source.referrers[digest] = referrers
        return [*map(Descriptor.from_json, [*manifests, *referrers])]

    def copy(self, source: _SourceImage) -> CopiedImage:
        """Everything of an image but its tag, into its repository."""
        image, sent = source.image, set[str]()

        def uploaded(digest: str) -> None:
            if digest in source.blobs and digest not in sent:
                sent.add(digest)
                self._progress(source.blobs[digest])

        attached = (str(entry["digest"]) for each in source.referrers.values() for entry in each)
        for digest in dict.fromkeys([source.top.digest, *attached]):
            if self._target.digest(image.target.at(digest)) != digest:
                self._copy(image.source.at(digest), image.target.at(digest), uploaded)
        for tag in source.cosign_tags:
            if self._target.digest(image.target.tagged(tag)) is None:
                self._copy(image.source.tagged(tag), image.target.tagged(tag), uploaded)
        for digest, referrers in source.referrers.items():
            self._target.referrers.add(image.target.at(digest), referrers)
        size = sum(source.blobs[digest] for digest in sent)
        self._progress(source.size - size)
        skipped = len(source.blobs) - len(sent)
        return CopiedImage(image.name, source.top.digest, len(sent), skipped, size)

    def _copy(self, source: Reference, target: Reference, uploaded: Callable[[str], None]) -> None:
        if target.repository not in self._checked:
            self._target.check_uploads(target)
            self._checked.add(target.repository)
        options = ["--all", *self._source.options("src-"), *self._target.options("dest-")]
        problem = skopeo.copy(f"docker://{source}", f"docker://{target}", options, uploaded)
        if problem:
            raise skopeo.copy_error(problem, source, target)

    def tag(self, source: _SourceImage) -> None:
        """Last of all, and only what is not so already: a registry may hold its tags immutable."""
        target, digest = source.image.target, source.top.digest
        if self._target.digest(target) == digest:
            return
        options = [*self._target.options("src-"), *self._target.options("dest-")]
        options += ["--multi-arch=index-only"] if source.top.media_type in INDEXES else []
        untagged = f"docker://{target.at(digest)}"
        if problem := skopeo.copy(untagged, f"docker://{target}", options):
            raise skopeo.registry_error(problem, target)
        confirm(self._target, target, digest)
