"""Archives of images, as `docker save` and `podman save` write them, into a layout and out of it.

Three kinds, plain or compressed: docker's own (manifest.json and a tar per layer,
https://github.com/moby/docker-image-spec), an OCI layout in a tar, and both in one. Layers of
docker's own are not compressed. They are here: registries keep and nodes pull what we write.
"""

import hashlib
import json
import posixpath
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, cast

from slipway.images.oci.descriptors import (
    DOCKER_CONFIG,
    DOCKER_LAYER_GZIP,
    DOCKER_MANIFEST,
    INDEX,
    Descriptor,
    ImageError,
    digest_of,
    encode,
)
from slipway.images.oci.image import ZSTD_LAYERS
from slipway.images.oci.layout import READ_LIMIT, REFERENCE, VERSION, Layout
from slipway.images.oci.pack import entry, layer_writer
from slipway.images.oci.streams import (
    GZIP_MAGIC,
    ZSTD_MAGIC,
    chunks,
    damage,
    decompressed,
    open_index,
)

_MOST_ENTRIES = 100_000
_MOST_LINKS = 10


def import_archive(file: Path, layout: Layout, name: str = "") -> Descriptor:
    """Take the image out of an archive, verified; of several, the one called `name`.

    Nothing is kept of an archive that is damaged but whole blobs. Raises ImageError.
    """
    with damage(str(file)), _open(file, layout.folder) as archive:
        try:
            if archive.has("index.json"):
                return _import_layout(archive, layout, name)
            if archive.has("manifest.json"):
                return _import_docker(archive, layout, name)
        except (LookupError, TypeError, AttributeError):
            raise ValueError("its list of images has another shape") from None
    raise ImageError(
        f"{file} is an archive but not of an image; write it with docker save (docker export "
        "writes files without their image)"
    )


def export_archive(layout: Layout, image: Descriptor, name: str, file: Path) -> None:
    """Write an image for `docker load` and `podman load`: both kinds in one, whole or not at all.

    `name` is what it is called there. Raises OSError.
    """
    manifest = layout.json(image)
    paths = [_blob(layout.descriptor(item)) for item in (manifest["config"], *manifest["layers"])]
    listed = [{"Config": paths[0], "RepoTags": [name], "Layers": paths[1:]}]
    named = image.as_json() | {"annotations": {REFERENCE: name}}
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [named]}
    texts = {"index.json": index, "manifest.json": listed, "oci-layout": VERSION}
    partial = file.with_name(f".{file.name}.partial")
    try:
        with tarfile.open(partial, "w", format=tarfile.PAX_FORMAT) as archive:
            for path, value in texts.items():
                content = encode(value)
                _add(archive, path, len(content), BytesIO(content))
            for blob in layout.walk(image):
                with layout.path(blob.digest).open("rb") as stream:
                    _add(archive, _blob(blob), blob.size, stream)
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def _blob(descriptor: Descriptor) -> str:
    return f"blobs/{descriptor.digest.replace(':', '/')}"


def _add(archive: tarfile.TarFile, path: str, size: int, stream: IO[bytes]) -> None:
    info = entry(path, tarfile.REGTYPE, 0o644)
    info.size = size
    archive.addfile(info, stream)


@dataclass
class _Archive:
    """Files of a tar by name. Links in it lead nowhere but to other files of it."""

    stream: IO[bytes]
    members: dict[str, tarfile.TarInfo]

    def has(self, name: str) -> bool:
        return name in self.members

    def member(self, name: str) -> tarfile.TarInfo:
        for _ in range(_MOST_LINKS):
            found = self.members.get(name)
            if found and found.isreg() and not found.issparse():
                return found
            if not found or not (found.issym() or found.islnk()):
                break
            # A symbolic link starts at its own folder, a hard link at the top.
            start = posixpath.dirname(name) if found.issym() else ""
            name = posixpath.normpath(posixpath.join(start, found.linkname))
        raise ImageError(f"the archive has no file {name}; it is damaged or not an image's")

    def open(self, name: str) -> Iterator[bytes]:
        member = self.member(name)
        self.stream.seek(member.offset_data)
        return chunks(self.stream, member.size)

    def read(self, name: str) -> bytes:
        if self.member(name).size > READ_LIMIT:
            raise ImageError(f"{name} in the archive has more than {READ_LIMIT:,} bytes")
        return b"".join(self.open(name))

    def json(self, name: str) -> Any:
        try:
            return json.loads(self.read(name))
        except RecursionError:
            raise ValueError(f"{name} is nested too deeply") from None


@contextmanager
def _open(file: Path, folder: Path) -> Iterator[_Archive]:
    """A compressed archive is decompressed into a nameless file: it is read at random."""
    with file.open("rb") as raw:
        magic = raw.read(4)
        if not (magic.startswith(GZIP_MAGIC) or magic == ZSTD_MAGIC):
            yield _Archive(raw, _members(raw))
            return
    with TemporaryFile(dir=folder) as plain:
        with decompressed(file) as stream:
            for chunk in chunks(stream):
                plain.write(chunk)
        yield _Archive(cast(IO[bytes], plain), _members(plain))


def _members(stream: IO[bytes]) -> dict[str, tarfile.TarInfo]:
    stream.seek(0)
    found: dict[str, tarfile.TarInfo] = {}
    for member in open_index(stream):
        name = posixpath.normpath(member.name)
        if name.startswith(("/", "..")):
            raise ImageError(f"the archive has the path {member.name!r}, which leads out of it")
        found[name] = member
        if len(found) > _MOST_ENTRIES:
            raise ImageError(f"the archive has more than {_MOST_ENTRIES:,} entries; no image has")
    return found


def _import_layout(archive: _Archive, layout: Layout, name: str) -> Descriptor:
    entries = archive.json("index.json").get("manifests")
    if not isinstance(entries, list) or not entries:
        raise ImageError("the archive's index.json lists no image")
    names = {str((e.get("annotations") or {}).get(REFERENCE, "")): e for e in entries}
    chosen = entries[0] if len(entries) == 1 and not name else names.get(name)
    if chosen is None:
        raise _several(name, list(names))
    top = layout.descriptor(chosen)
    pending = [top]
    while pending:
        blob = pending.pop()
        path = _blob(blob)
        # An index may list platforms that were not saved: they are missed when they are asked for.
        if archive.has(path) or blob is top:
            layout.add_stream(archive.open(path), blob)
            pending += layout.children(blob)
    return top


def _import_docker(archive: _Archive, layout: Layout, name: str) -> Descriptor:
    images = archive.json("manifest.json")
    by_name = {tag: image for image in images for tag in (image.get("RepoTags") or [])}
    chosen = images[0] if len(images) == 1 and not name else by_name.get(name)
    if chosen is None:
        raise _several(name, list(by_name))
    config = archive.read(posixpath.normpath(chosen["Config"]))
    _check_name(chosen["Config"], config)
    diff_ids = json.loads(config)["rootfs"]["diff_ids"]
    if len(diff_ids) != len(chosen["Layers"]):
        raise ImageError("the archive's layers are not those of its configuration; it is damaged")
    layers = [
        _import_layer(archive, layout, posixpath.normpath(path), diff_id)
        for path, diff_id in zip(chosen["Layers"], diff_ids, strict=True)
    ]
    manifest = {
        "schemaVersion": 2,
        "mediaType": DOCKER_MANIFEST,
        "config": layout.add(config, DOCKER_CONFIG).as_json(),
        "layers": [layer.as_json() for layer in layers],
    }
    return layout.add(encode(manifest), DOCKER_MANIFEST)


def _check_name(path: str, config: bytes) -> None:
    """docker names the configuration by its digest."""
    stem = posixpath.basename(path).removesuffix(".json")
    if len(stem) == 64 and digest_of(config) != f"sha256:{stem}":
        raise ImageError("the archive's configuration was changed or is damaged; save it again")


def _import_layer(archive: _Archive, layout: Layout, path: str, diff_id: str) -> Descriptor:
    member = archive.member(path)
    first = next(archive.open(path), b"")
    if first.startswith(GZIP_MAGIC) or first.startswith(ZSTD_MAGIC):
        # Some tools save layers as they are in a registry. What is in them is checked when read.
        digest = hashlib.sha256()
        for chunk in archive.open(path):
            digest.update(chunk)
        kind = DOCKER_LAYER_GZIP if first.startswith(GZIP_MAGIC) else ZSTD_LAYERS[1]
        layer = Descriptor(kind, f"sha256:{digest.hexdigest()}", member.size)
        layout.add_stream(archive.open(path), layer)
        return layer
    return _compress(archive.open(path), layout, diff_id)


def _compress(plain: Iterator[bytes], layout: Layout, diff_id: str) -> Descriptor:
    with layer_writer(layout) as writer:
        for chunk in plain:
            writer.write(chunk)
        if writer.diff_id != diff_id:
            raise ImageError(f"the layer {diff_id} was changed or is damaged; save the image again")
        return writer.finish(DOCKER_LAYER_GZIP)


def _several(name: str, known: list[str]) -> ImageError:
    listed = ", ".join(sorted(filter(None, known))) or "images without a name"
    if name:
        return ImageError(f"there is no image {name!r} in it; there is {listed}")
    return ImageError(f"it holds several images: {listed}; add :NAME to the path to choose one")
