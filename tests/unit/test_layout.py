"""The image layout on disk: what it takes, what it refuses, what several processes see."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from slipway.images.oci.descriptors import (
    CONFIG,
    INDEX,
    LAYER_GZIP,
    MANIFEST,
    Descriptor,
    ImageError,
    digest_of,
    encode,
)
from slipway.images.oci.layout import Layout

BLOB = b"a layer"


def described(content: bytes) -> Descriptor:
    return Descriptor(LAYER_GZIP, digest_of(content), len(content))


def test_what_was_added_is_read_back_under_its_name(tmp_path: Path):
    layout = Layout(tmp_path)
    added = layout.add(b'{"a": 1}', CONFIG)
    layout.tag("one:latest", added)
    again = Layout(tmp_path)
    found = again.resolve("one:latest")
    assert found is not None
    assert (found.digest, again.json(found)) == (added.digest, {"a": 1})
    assert again.resolve("other") is None
    assert json.loads((tmp_path / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}


def test_a_name_moves_to_the_image_it_is_given_to(tmp_path: Path):
    layout = Layout(tmp_path)
    for content in (b"{}", b"[]"):
        layout.tag("one", layout.add(content, CONFIG))
    assert {n: layout.read(d) for n, d in layout.names().items()} == {"one": b"[]"}


def test_a_stream_is_kept_only_when_it_is_what_was_announced(tmp_path: Path):
    layout = Layout(tmp_path)
    layout.add_stream([BLOB[:3], BLOB[3:]], described(BLOB))
    assert layout.path(described(BLOB).digest).read_bytes() == BLOB
    other = described(b"another layer")
    for chunks in ([b"another"], [b"another laye!"], [b"another layer", b"and more"]):
        with pytest.raises(ImageError, match=other.digest):
            layout.add_stream(chunks, other)
    assert not layout.has(other)
    assert [f.name for f in (tmp_path / "blobs/sha256").iterdir()] == [described(BLOB).digest[7:]]


def test_a_stream_that_breaks_off_leaves_nothing(tmp_path: Path):
    def broken():
        yield BLOB
        raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space"):
        Layout(tmp_path).add_stream(broken(), described(BLOB + b"!"))
    assert list((tmp_path / "blobs/sha256").iterdir()) == []


@pytest.mark.parametrize("digest", ["", "sha256:../../etc/passwd", "sha512:" + "0" * 64, "a" * 64])
def test_a_malformed_digest_is_refused(tmp_path: Path, digest: str):
    with pytest.raises(ImageError, match="not a sha256 digest"):
        Layout(tmp_path).path(digest)


def test_a_damaged_or_missing_blob_is_told_from_a_good_one(tmp_path: Path):
    layout = Layout(tmp_path)
    added = layout.add(b"{}", CONFIG)
    layout.path(added.digest).write_bytes(b"[]")
    with pytest.raises(ImageError, match="damaged"):
        layout.read(added)
    with pytest.raises(ImageError, match="get the image again"):
        layout.read(described(b"never seen"))


def test_parts_come_before_what_names_them_and_only_once(tmp_path: Path):
    layout = Layout(tmp_path)
    config, layer = layout.add(b"{}", CONFIG), layout.add(BLOB, LAYER_GZIP)
    parts = {"config": config.as_json(), "layers": [layer.as_json(), layer.as_json()]}
    manifest = layout.add(encode(parts), MANIFEST)
    index = layout.add(encode({"manifests": [manifest.as_json()] * 2}), INDEX)
    assert list(layout.walk(index)) == [config, layer, manifest, index]


def test_manifests_that_are_none_are_refused(tmp_path: Path):
    layout = Layout(tmp_path)
    for content in (b"[]", b"{}", b'{"config": {}, "layers": []}', b'{"config": 1, "layers": 2}'):
        with pytest.raises(ImageError, match="damaged"):
            list(layout.walk(layout.add(content, MANIFEST)))


def test_names_given_at_the_same_time_are_all_kept(tmp_path: Path):
    added = Layout(tmp_path).add(b"{}", CONFIG)
    names = [f"image-{n}" for n in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: Layout(tmp_path).tag(name, added), names))
    assert set(Layout(tmp_path).names()) == set(names)
