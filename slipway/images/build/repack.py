"""What a builder made, taken into the store with layers that are compressed here.

Builders compress each in their own way, and fast rather than well. So equal content has one digest,
whichever of them built it, and nodes pull less.
"""

from dataclasses import replace
from pathlib import Path

from slipway import files
from slipway.images.oci.descriptors import (
    CONFIG,
    INDEX,
    INDEXES,
    MANIFEST,
    Descriptor,
    ImageError,
    encode,
    index_of,
    manifest_of,
)
from slipway.images.oci.image import diff_ids
from slipway.images.oci.layout import Layout
from slipway.images.oci.pack import BEST, compress
from slipway.images.oci.streams import damage, decompressed
from slipway.untrusted import parse_json

_KNOWN = "packed"
"""Below the store: by the digest of a layer's content, the compressed one."""


def repack(built: Layout, store: Layout) -> Descriptor:
    """The one image, or index, of `built` as it is in `store` now. Raises ImageError."""
    images = built.images()
    if len(images) != 1:
        raise ImageError(f"the builder made {len(images)} images instead of one")
    return _repack(built, images[0], store)


def _repack(built: Layout, image: Descriptor, store: Layout) -> Descriptor:
    if image.media_type in INDEXES:
        children = []
        for child in built.children(image):
            if child.media_type in INDEXES:
                raise ImageError("the builder made an index in an index")
            children.append(replace(_repack(built, child, store), platform=child.platform))
        return store.add(index_of(child.as_json() for child in children), INDEX)
    config, *layers = built.children(image)
    content, digests = built.read(config), diff_ids(built.json(config))
    if len(layers) != len(digests):
        raise ImageError(f"the builder made {len(layers)} layers and says {len(digests)}")
    packed = [_layer(built, *pair, store) for pair in zip(layers, digests, strict=True)]
    return store.add(manifest_of(store.add(content, CONFIG), packed), MANIFEST)


def _layer(built: Layout, layer: Descriptor, diff_id: str, store: Layout) -> Descriptor:
    note = store.folder / _KNOWN / diff_id.removeprefix("sha256:")
    if (known := _noted(note)) and store.has(known):
        return known
    with damage(f"the layer {layer.digest}"), decompressed(built.path(layer.digest)) as tar:
        packed = compress(tar, diff_id, store, BEST)
    note.parent.mkdir(exist_ok=True)
    # Images that are built side by side may have the same layer.
    files.write(note, encode(packed.as_json()))
    return packed


def _noted(note: Path) -> Descriptor | None:
    try:
        return Descriptor.from_json(parse_json(note.read_bytes()))
    except (OSError, ValueError, ImageError):
        return None
