"""What builders made, taken into the store."""

import gzip
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from slipway.images.build.repack import repack
from slipway.images.oci.descriptors import CONFIG, LAYER_GZIP, MANIFEST, encode
from slipway.images.oci.layout import Layout

IMAGES = 8


def built(folder: Path, content: bytes) -> Layout:
    """As a builder leaves it: an image with one layer."""
    layout = Layout(folder)
    layer = layout.add(gzip.compress(content), LAYER_GZIP)
    diff_id = f"sha256:{hashlib.sha256(content).hexdigest()}"
    config = layout.add(encode({"rootfs": {"type": "layers", "diff_ids": [diff_id]}}), CONFIG)
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST}
    manifest |= {"config": config.as_json(), "layers": [layer.as_json()]}
    layout.tag("image", layout.add(encode(manifest), MANIFEST))
    return layout


def test_images_with_the_same_layer_are_built_side_by_side(tmp_path: Path):
    store, together = Layout(tmp_path / "store"), Barrier(IMAGES)

    def build(folder: Path, content: bytes) -> str:
        image = built(folder, content)
        together.wait(timeout=30)
        return repack(image, store).digest

    with ThreadPoolExecutor(IMAGES) as threads:
        for turn in range(20):
            folders = [tmp_path / f"{turn}-{image}" for image in range(IMAGES)]
            digests = list(threads.map(build, folders, [b"layer %d" % turn] * IMAGES))
            assert len(set(digests)) == 1
    for note in (store.folder / "packed").iterdir():
        assert json.loads(note.read_bytes())["mediaType"] == LAYER_GZIP
