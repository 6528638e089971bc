"""The new image: the old one's layers and configuration, Jupyter's layers, and one of ours."""

import copy
from dataclasses import replace
from typing import Any

from slipway.facts import WORKING_TREE
from slipway.images.oci.descriptors import (
    CONFIG,
    DOCKER_CONFIG,
    DOCKER_MANIFEST,
    MANIFEST,
    OCI_LAYERS,
    Descriptor,
    ImageError,
    encode,
    manifest_of,
)
from slipway.images.oci.image import Image, load_image
from slipway.images.oci.layout import Layout
from slipway.images.oci.streams import chunks

JUPYTER = f"jupyter:{WORKING_TREE}"
"""The image with /opt/jupyter, by its name in the local store."""
BASE = "org.opencontainers.image.base.digest"
"""The label that says what an image was made from: the OCI's own name for it."""


def jupyter_image(store: Layout, for_image: Image) -> Image:
    """What is added to `for_image`. Raises ImageError when it has not been built."""
    jupyter = store.resolve(JUPYTER)
    if jupyter is None:
        raise ImageError("the image `jupyter`, which is added, is not built; slipway build jupyter")
    try:
        return load_image(store, jupyter, replace(for_image.platform, variant=""))
    except ImageError as error:
        raise ImageError(f"the image `jupyter`, which is added, does not fit: {error}") from error


def derive(store: Layout, image: Image, jupyter: Image, own: tuple[Descriptor, str]) -> Descriptor:
    """`image` with the layers on top, as blobs of `store`. Nothing else of it changes."""
    for source in (image, jupyter):
        for layer in source.layers:
            if not store.has(layer):
                with source.layout.path(layer.digest).open("rb") as stream:
                    store.add_stream(chunks(stream), layer)
    config = copy.deepcopy(dict(image.config))
    config["rootfs"]["diff_ids"] = [*image.diff_ids, *jupyter.diff_ids, own[1]]
    _add_history(config, len(image.layers), len(jupyter.layers) + 1)
    settings = config["config"] = dict(config.get("config") or {})
    settings["Labels"] = {**(settings.get("Labels") or {}), BASE: image.descriptor.digest}

    layers = [*image.layers, *jupyter.layers, own[0]]
    docker = image.descriptor.media_type == DOCKER_MANIFEST and not any(
        layer.media_type.endswith("zstd") for layer in layers
    )
    manifest_type, config_type = (DOCKER_MANIFEST, DOCKER_CONFIG) if docker else (MANIFEST, CONFIG)
    # Registries refuse Docker's manifest with OCI's layers in it, and the other way round.
    types = {oci: dockers for dockers, oci in OCI_LAYERS.items()} if docker else OCI_LAYERS
    layers = [replace(x, media_type=types.get(x.media_type, x.media_type)) for x in layers]
    manifest = manifest_of(store.add(encode(config), config_type), layers, manifest_type)
    return replace(store.add(manifest, manifest_type), platform=image.platform)


def _add_history(config: dict[str, Any], before: int, added: int) -> None:
    """Only where it is kept: it must have an entry for each layer, or none at all."""
    history = config.get("history") or []
    if history and sum(not item.get("empty_layer") for item in history) == before:
        config["history"] = [*history, *({"created_by": "slipway migrate"} for _ in range(added))]
