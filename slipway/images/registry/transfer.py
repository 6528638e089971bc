"""Images between a local layout and registries or archives."""

import json
import posixpath
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from slipway.images.oci.descriptors import (
    DOCKER_LAYER_GZIP,
    DOCKER_MANIFEST,
    INDEXES,
    MANIFESTS,
    Descriptor,
    ImageError,
    Platform,
    encode,
    media_type_of,
)
from slipway.images.oci.image import for_platform
from slipway.images.oci.layout import READ_LIMIT, REFERENCE, Layout
from slipway.images.oci.pack import layer_writer
from slipway.images.oci.streams import chunks, damage, decompressed, members, open_tar
from slipway.images.registry import skopeo
from slipway.images.registry.reference import Reference
from slipway.images.registry.registry import Registry


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
            options = ["--all", *registry.options("dest-")]
            if problem := skopeo.copy(f"oci:{folder}", f"docker://{target}", options, sent.add):
                raise skopeo.registry_error(problem, target)
            confirm(registry, target, image.digest)
    size = sum(blobs[digest] for digest in sent & blobs.keys())
    return Pushed(len(sent & blobs.keys()), len(blobs.keys() - sent), size)


def confirm(registry: Registry, target: Reference, digest: str) -> None:
    """Ask the registry what it has now. Raises ImageError if it is something else."""
    if (found := registry.digest(target)) != digest:
        raise ImageError(f"{target} is {found or 'missing'} after {digest} was stored: run again")


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
            for blob in store.children(top):
                _take(folder, blob, store)
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
    with _folder(store) as folder, _plain(file) as plain:
        source = f"{kind}:{plain}{f':{name}' if name else ''}"
        if problem := skopeo.copy(source, f"dir:{folder}", platform=platform):
            raise ImageError(f"{file} is damaged, or not of an image ({problem}); get it again")
        content = (folder / "manifest.json").read_bytes()
        manifest = store.add(content, media_type_of(content))
        config, *layers = store.children(manifest)
        _take(folder, config, store)
        if kind == "docker-archive":
            return _compressed(folder, manifest, store)
        for layer in layers:
            _take(folder, layer, store)
        return manifest


def export_archive(store: Layout, image: Descriptor, name: str, file: Path) -> None:
    """Write an archive for `docker load` and `podman load`, whole or not at all.

    `name` is what the image is called there. Raises ImageError and OSError.
    """
    with (
        store.alone(image) as folder,
        TemporaryDirectory(prefix=".slipway-archive-", dir=file.parent) as partial,
    ):
        target = f"docker-archive:{partial}/archive:{name}"
        if problem := skopeo.copy(f"oci:{folder}", target, preserve=False):
            raise ImageError(f"{file} cannot be written: {problem}")
        Path(partial, "archive").replace(file)


@contextmanager
def _folder(store: Layout) -> Iterator[Path]:
    """Where skopeo puts an image as it is: a file for each blob, named by its digest."""
    with TemporaryDirectory(prefix=".copied-", dir=store.folder) as folder:
        yield Path(folder, "image")


def _take(folder: Path, blob: Descriptor, store: Layout) -> None:
    """skopeo has checked it against its digest."""
    file = folder / blob.digest.removeprefix("sha256:")
    if not store.has(blob):
        file.chmod(0o644)
        file.replace(store.path(blob.digest))


def _compressed(folder: Path, manifest: Descriptor, store: Layout) -> Descriptor:
    """The same image with compressed layers."""
    config, *layers = store.children(manifest)
    compressed = []
    diff_ids = store.json(config)["rootfs"]["diff_ids"]
    for layer, diff_id in zip(layers, diff_ids, strict=True):
        file = folder / layer.digest.removeprefix("sha256:")
        with file.open("rb") as plain, layer_writer(store) as writer:
            for chunk in chunks(plain):
                writer.write(chunk)
            if writer.diff_id != diff_id:
                raise ImageError(
                    f"the layer {diff_id} was changed or is damaged; save the image again"
                )
            compressed.append(writer.finish(DOCKER_LAYER_GZIP))
    value = {
        "schemaVersion": 2,
        "mediaType": DOCKER_MANIFEST,
        "config": config.as_json(),
        "layers": [layer.as_json() for layer in compressed],
    }
    return store.add(encode(value), DOCKER_MANIFEST)


@contextmanager
def _plain(file: Path) -> Iterator[Path]:
    """The archive without compression, at a path in which skopeo finds no name of an image."""
    with TemporaryDirectory(prefix="slipway-archive-", dir="/var/tmp") as folder:
        plain = Path(folder, "archive")
        with damage(str(file)), decompressed(file) as stream:
            if isinstance(stream, BufferedReader):
                plain.symlink_to(file.resolve())
            else:
                with plain.open("wb") as unpacked:
                    unpacked.writelines(chunks(stream))
        yield plain


def _contents(file: Path) -> tuple[str, list[list[str]]]:
    """What skopeo calls this kind of archive, and the names of each image in it."""
    found: dict[str, Any] = {}
    with damage(str(file)), decompressed(file) as plain, open_tar(plain) as tar:
        for member in members(tar):
            path = posixpath.normpath(member.name)
            if path in ("index.json", "manifest.json") and member.size <= READ_LIMIT:
                stream = tar.extractfile(member)
                found[path] = json.loads(stream.read()) if stream else None
    try:
        if "index.json" in found:
            entries = found["index.json"]["manifests"]
            names = [[(one.get("annotations") or {}).get(REFERENCE, "")] for one in entries]
            kind = "oci-archive"
        else:
            names = [list(one.get("RepoTags") or []) for one in found["manifest.json"]]
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
    names = sorted(filter(None, (name for names in images for name in names)))
    return ", ".join(names) or "images without a name"
