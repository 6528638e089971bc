"""Images between a local layout and registries or archives."""

import posixpath
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from slipway import files
from slipway.images.oci.descriptors import (
    DOCKER_LAYER_GZIP,
    DOCKER_MANIFEST,
    INDEXES,
    MANIFESTS,
    Descriptor,
    ImageError,
    Platform,
    manifest_of,
    media_type_of,
)
from slipway.images.oci.image import diff_ids, for_platform
from slipway.images.oci.layout import READ_LIMIT, REFERENCE, Layout
from slipway.images.oci.pack import compress
from slipway.images.oci.streams import chunks, damage, decompressed
from slipway.images.oci.tars import members, open_tar
from slipway.images.registry import skopeo
from slipway.images.registry.reference import Reference
from slipway.images.registry.registry import Registry
from slipway.untrusted import parse_json

_MOST_ENTRIES = 100_000
"""Of an archive: its blobs, and what names them."""
_LISTED = 20


@dataclass(frozen=True)
class Pushed:
    """What a push did. `bytes` are those that were sent; skipped blobs were there or mounted."""

    copied_blobs: int
    skipped_blobs: int
    bytes: int


def push(
    store: Layout, image: Descriptor, targets: Sequence[Reference], registry: Registry
) -> Pushed:
    """Store an image or an index under each tag of `targets`, which are of one repository.

    A tag is moved when all is there. Raises ImageError.
    """
    parts = {part.digest: part for part in store.walk(image)}
    blobs = {d: p.size for d, p in parts.items() if p.media_type not in (*INDEXES, *MANIFESTS)}
    sent: set[str] = set()
    with store.alone(image) as folder:
        for target in targets:
            if registry.digest(target) == image.digest:
                continue
            registry.check_uploads(target)
            options = ["--all", *registry.options("dest-")]
            if problem := skopeo.copy(f"oci:{folder}", f"docker://{target}", options, sent.add):
                raise skopeo.registry_error(problem, target)
            confirm(registry, target, image.digest)
    size = sum(blobs[digest] for digest in sent & blobs.keys())
    return Pushed(len(sent & blobs.keys()), len(blobs.keys() - sent), size)


def confirm(registry: Registry, target: Reference, digest: str) -> None:
    """Ask the registry what it has now. Raises ImageError if it is something else."""
    if (stored := registry.digest(target)) != digest:
        raise ImageError(f"{target} is {stored or 'missing'} after {digest} was stored: run again")


def pull(reference: Reference, store: Layout, platform: Platform) -> Descriptor:
    """Bring an image into `store`; of an index, the one for `platform`. Raises ImageError."""
    with Registry(reference) as registry:
        top, content = registry.manifest(reference)
        store.add(content, top.media_type)
        if top.media_type in INDEXES:
            top, content = registry.manifest(
                reference.at(for_platform(store, top, platform).digest)
            )
            store.add(content, top.media_type)
        if all(map(store.has, store.children(top))):
            return top
        with _folder(store) as folder:
            source = f"docker://{reference.at(top.digest)}"
            if problem := skopeo.copy(source, f"dir:{folder}", registry.options("src-")):
                raise skopeo.registry_error(problem, reference)
            _take(folder, store.children(top), store)
    return top


def import_archive(file: Path, store: Layout, name: str, platform: Platform) -> Descriptor:
    """Bring an image from an archive, as `docker save` or `podman save` writes it, into `store`.

    Of several, the one called `name`. Layers of docker's own archives are not compressed; they are
    here, as registries keep and nodes pull them. Raises ImageError.
    """
    kind, images = _contents(file)
    if name and not any(name in names for names in images):
        raise ImageError(f"there is no image {name!r} in it; there is {_listed(images)}")
    if len(images) > 1 and not name:
        raise ImageError(
            f"it holds several images: {_listed(images)}; add :NAME to the path to choose one"
        )
    with _folder(store) as folder:
        source = f"{kind}:{_plain(file, folder.parent)}{f':{name}' if name else ''}"
        if problem := skopeo.copy(source, f"dir:{folder}", platform=platform):
            raise ImageError(f"{file} is damaged, or not of an image ({problem}); get it again")
        content = (folder / "manifest.json").read_bytes()
        manifest = store.add(content, media_type_of(content))
        config, *layers = store.children(manifest)
        if kind == "docker-archive":
            _take(folder, [config], store)
            return _compressed(folder, config, layers, store)
        _take(folder, [config, *layers], store)
        return manifest


def export_archive(store: Layout, image: Descriptor, name: str, file: Path) -> None:
    """Write an archive for `docker load` and `podman load`, whole or not at all.

    `name` is what the image is called there. Raises ImageError and OSError.
    """
    files.check_replaceable(file)
    with (
        store.alone(image) as folder,
        TemporaryDirectory(prefix=".slipway-archive-", dir=file.parent) as partial,
    ):
        target = f"docker-archive:{partial}/archive:{name}"
        if problem := skopeo.copy(f"oci:{folder}", target, preserve=False):
            raise ImageError(f"{file} cannot be written: {problem}")
        files.check_replaceable(file)
        Path(partial, "archive").replace(file)


@contextmanager
def _folder(store: Layout) -> Iterator[Path]:
    """Where skopeo puts an image as it is: a file for each blob, named by its digest."""
    with TemporaryDirectory(prefix=".copied-", dir=store.folder) as folder:
        yield Path(folder, "image")


def _file(folder: Path, blob: Descriptor) -> Path:
    return folder / blob.digest.removeprefix("sha256:")


def _take(folder: Path, blobs: Iterable[Descriptor], store: Layout) -> None:
    """skopeo has checked them against their digests."""
    for blob in blobs:
        if not store.has(blob):
            _file(folder, blob).chmod(0o644)
            _file(folder, blob).replace(store.path(blob.digest))


def _compressed(
    folder: Path, config: Descriptor, layers: Sequence[Descriptor], store: Layout
) -> Descriptor:
    """The same image with compressed layers."""
    compressed: list[Descriptor] = []
    digests = diff_ids(store.json(config))
    if len(layers) != len(digests):
        raise ImageError(f"it has {len(layers)} layers and says {len(digests)}; get it again")
    for layer, diff_id in zip(layers, digests, strict=True):
        with _file(folder, layer).open("rb") as tar:
            compressed.append(compress(tar, diff_id, store, media_type=DOCKER_LAYER_GZIP))
    return store.add(manifest_of(config, compressed, DOCKER_MANIFEST), DOCKER_MANIFEST)


def _plain(file: Path, folder: Path) -> Path:
    """The archive without compression, in a path in which skopeo finds no name of an image."""
    plain = folder / "archive"
    with damage(str(file)), decompressed(file) as stream:
        if isinstance(stream, BufferedReader):
            plain.symlink_to(file.resolve())
        else:
            with plain.open("wb") as unpacked:
                unpacked.writelines(chunks(stream))
    return plain


def _contents(file: Path) -> tuple[str, list[list[str]]]:
    """What skopeo calls this kind of archive, and the names of each image in it."""
    lists: dict[str, Any] = {}
    with damage(str(file)), decompressed(file) as plain, open_tar(plain) as tar:
        for number, member in enumerate(members(tar)):
            if number > _MOST_ENTRIES:
                break
            path = posixpath.normpath(member.name)
            if path in ("index.json", "manifest.json") and member.size <= READ_LIMIT:
                stream = tar.extractfile(member)
                lists[path] = parse_json(stream.read()) if stream else None
    try:
        if "index.json" in lists:
            entries = lists["index.json"]["manifests"]
            names = [[str((each.get("annotations") or {}).get(REFERENCE, ""))] for each in entries]
            kind = "oci-archive"
        else:
            names = [[*map(str, each.get("RepoTags") or [])] for each in lists["manifest.json"]]
            kind = "docker-archive"
    except KeyError:
        raise ImageError(
            f"{file} is an archive but not of an image; write it with docker save (docker export "
            "writes files without their image)"
        ) from None
    except (TypeError, AttributeError):
        raise ImageError(f"{file} is damaged: its list of images is none; get it again") from None
    if not names:
        raise ImageError(f"{file} lists no image; save it again")
    return kind, names


def _listed(images: list[list[str]]) -> str:
    names = sorted({name for names in images for name in names if name})
    more = [f"and {len(names) - _LISTED} more"] if len(names) > _LISTED else []
    return ", ".join([*names[:_LISTED], *more])[:1000] or "images without a name"
