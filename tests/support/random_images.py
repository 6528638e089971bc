"""Images of random bytes, in a layout and pushed: what copies are made of."""

import random

from slipway.images.oci import descriptors as oci
from slipway.images.oci.descriptors import Descriptor, Platform
from slipway.images.oci.layout import Layout
from slipway.images.registry import transfer
from slipway.images.registry.reference import Reference
from slipway.images.registry.registry import Registry
from slipway.images.registry.transfer import Pushed

EVERYTHING = Platform("linux", "amd64"), Platform("linux", "arm64")


def image(
    store: Layout,
    seed: int,
    platform: Platform = EVERYTHING[0],
    sizes: tuple[int, ...] = (300_000, 2_500_000, 10),
) -> Descriptor:
    """An image of layers of random bytes; the first is every image's."""
    layers = []
    for number, size in enumerate(sizes):
        content = random.Random(f"{seed if number else 0} {number}").randbytes(size)
        layers.append(store.add(content, oci.LAYER_GZIP))
    config = {"os": platform.os, "architecture": platform.architecture, "seed": seed}
    manifest = {
        "schemaVersion": 2,
        "mediaType": oci.MANIFEST,
        "config": store.add(oci.encode(config), oci.CONFIG).as_json(),
        "layers": [layer.as_json() for layer in layers],
    }
    return store.add(oci.encode(manifest), oci.MANIFEST)


def index(store: Layout, seed: int) -> Descriptor:
    children = [image(store, seed + n, platform) for n, platform in enumerate(EVERYTHING)]
    described = [
        child.as_json() | {"platform": {"os": "linux", "architecture": platform.architecture}}
        for child, platform in zip(children, EVERYTHING, strict=True)
    ]
    value = {"schemaVersion": 2, "mediaType": oci.INDEX, "manifests": described}
    return store.add(oci.encode(value), oci.INDEX)


def reference(host: str, name: str, tag: str = "1") -> Reference:
    return Reference.parse(f"{host}/{name}:{tag}")


def push(store: Layout, image: Descriptor, target: Reference) -> Pushed:
    with Registry(target) as registry:
        return transfer.push(store, image, [target], registry)
