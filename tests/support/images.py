"""Small images made by hand: what no builder would write can be written as well."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path

import zstandard

from slipway.images.oci.descriptors import (
    CONFIG,
    LAYER,
    LAYER_GZIP,
    LAYER_ZSTD,
    MANIFEST,
    Descriptor,
    encode,
)
from slipway.images.oci.image import Image, load_image
from slipway.images.oci.layout import Layout

Entry = tuple[str, bytes | str | None] | tarfile.TarInfo
"""A file with its content, `-> target` for a link, `=> target` for a hard link, None a folder."""


def tar(*entries: Entry, mode: int | None = None, uid: int = 0) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for entry in entries:
            if isinstance(entry, tarfile.TarInfo):
                archive.addfile(entry)
                continue
            name, what = entry
            info, content = tarfile.TarInfo(name), b""
            info.uid = info.gid = uid
            if what is None:
                info.type, info.mode = tarfile.DIRTYPE, mode or 0o755
            elif isinstance(what, str) and what.startswith(("-> ", "=> ")):
                info.type = tarfile.SYMTYPE if what[0] == "-" else tarfile.LNKTYPE
                info.linkname = what[3:]
            else:
                content = what.encode() if isinstance(what, str) else what
                info.mode, info.size = mode or 0o644, len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def sha256(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def add_layer(layout: Layout, content: bytes, kind: str = LAYER_GZIP) -> Descriptor:
    pack = {
        LAYER: lambda data: data,
        LAYER_GZIP: lambda data: gzip.compress(data, mtime=0),
        LAYER_ZSTD: zstandard.ZstdCompressor().compress,
    }
    return layout.add(pack[kind](content), kind)


def add_image(
    layout: Layout, layers: Sequence[bytes], settings: dict | None = None, **changes: object
) -> Descriptor:
    """An image of these tars; `changes` go into its configuration."""
    config = {
        "os": "linux",
        "architecture": "amd64",
        "config": settings or {},
        "rootfs": {"type": "layers", "diff_ids": [sha256(layer) for layer in layers]},
        **changes,
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": layout.add(encode(config), CONFIG).as_json(),
        "layers": [add_layer(layout, layer).as_json() for layer in layers],
    }
    return layout.add(encode(manifest), MANIFEST)


def image(folder: Path, *layers: bytes, settings: dict | None = None) -> Image:
    layout = Layout(folder)
    return load_image(layout, add_image(layout, layers, settings))


def docker_archive(file: Path, layers: Sequence[bytes], settings: dict | None = None) -> Path:
    """As `docker save` writes it."""
    config = encode(
        {
            "os": "linux",
            "architecture": "amd64",
            "config": settings or {},
            "rootfs": {"type": "layers", "diff_ids": [sha256(layer) for layer in layers]},
        }
    )
    name = f"{sha256(config)[7:]}.json"
    paths = [f"{number}/layer.tar" for number in range(len(layers))]
    listed = [{"Config": name, "RepoTags": ["old:latest"], "Layers": paths}]
    file.write_bytes(
        tar((name, config), *zip(paths, layers, strict=True), ("manifest.json", json.dumps(listed)))
    )
    return file
