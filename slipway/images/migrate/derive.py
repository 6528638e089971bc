"""The new image: the old one's layers and configuration, Jupyter's layers, and one of ours."""

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from slipway.facts import WORKING_TREE
from slipway.images.oci.descriptors import (
    CONFIG,
    DOCKER_CONFIG,
    DOCKER_LAYER_GZIP,
    DOCKER_MANIFEST,
    LAYER,
    LAYER_GZIP,
    LAYER_ZSTD,
    MANIFEST,
    Descriptor,
    ImageError,
    encode,
)
from slipway.images.oci.image import (
    DOCKER_LAYER,
    GZIP_LAYERS,
    PLAIN_LAYERS,
    ZSTD_LAYERS,
    Image,
    load_image,
)
from slipway.images.oci.layout import Layout
from slipway.images.oci.streams import chunks

JUPYTER = f"jupyter:{WORKING_TREE}"
"""The image with /opt/jupyter, by its name in the local store."""
BASE = "org.opencontainers.image.base.digest"
"""The label that says what an image was made from: the OCI's own name for it."""


def jupyter_image(store: Layout, for_image: Image) -> Image:
    """What is added to `for_image`. Raises ImageError when it has not been built."""
    found = store.resolve(JUPYTER)
    if found is None:
        raise ImageError("the image `jupyter`, which is added, is not built; slipway build jupyter")
    platform = replace(for_image.platform, variant="")
    try:
        return load_image(store, found, platform)
    except ImageError as error:
        raise ImageError(f"the image `jupyter`, which is added, does not fit: {error}") from error


def derive(store: Layout, image: Image, jupyter: Image, own: tuple[Descriptor, str]) -> Descriptor:
    """`image` with the layers on top, as blobs of `store`. Nothing else of it changes."""
    for layer in (*image.layers, *jupyter.layers):
        _copy(image if layer in image.layers else jupyter, layer, store)
    layers = [*image.layers, *jupyter.layers, own[0]]
    config = copy.deepcopy(dict(image.config))
    config["rootfs"]["diff_ids"] = [*image.diff_ids, *jupyter.diff_ids, own[1]]
    _add_history(config, len(image.layers), len(jupyter.layers) + 1)
    settings = config["config"] = dict(config.get("config") or {})
    settings["Labels"] = {**(settings.get("Labels") or {}), BASE: image.descriptor.digest}
    docker = image.descriptor.media_type == DOCKER_MANIFEST and not any(
        layer.media_type in ZSTD_LAYERS for layer in layers
    )
    manifest_type, config_type = (DOCKER_MANIFEST, DOCKER_CONFIG) if docker else (MANIFEST, CONFIG)
    manifest = {
        "schemaVersion": 2,
        "mediaType": manifest_type,
        "config": store.add(encode(config), config_type).as_json(),
        "layers": _typed(layers, docker=docker),
    }
    return replace(store.add(encode(manifest), manifest_type), platform=image.platform)


def _typed(layers: Sequence[Descriptor], *, docker: bool) -> list[dict[str, Any]]:
    """Registries refuse Docker's manifest with OCI's layers in it, and the other way round."""
    kinds = [
        (PLAIN_LAYERS, DOCKER_LAYER if docker else LAYER),
        (GZIP_LAYERS, DOCKER_LAYER_GZIP if docker else LAYER_GZIP),
        (ZSTD_LAYERS, LAYER_ZSTD),
    ]
    types = {old: new for olds, new in kinds for old in olds}
    return [{**layer.as_json(), "mediaType": types[layer.media_type]} for layer in layers]


def _add_history(config: dict[str, Any], before: int, added: int) -> None:
    """Only where it is kept: it must have an entry for each layer, or none at all."""
    history = config.get("history") or []
    if history and sum(not item.get("empty_layer") for item in history) == before:
        config["history"] = [*history, *({"created_by": "slipway migrate"} for _ in range(added))]


def _copy(source: Image, layer: Descriptor, store: Layout) -> None:
    if not store.has(layer):
        with source.layout.path(layer.digest).open("rb") as stream:
            store.add_stream(chunks(stream), layer)
