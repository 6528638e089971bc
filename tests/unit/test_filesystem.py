"""An image's layers as one tree: what they hide, where links lead, what is not believed."""

import tarfile
from pathlib import Path

import pytest

from slipway.images.oci.descriptors import (
    CONFIG,
    LAYER,
    LAYER_GZIP,
    LAYER_ZSTD,
    MANIFEST,
    ImageError,
    encode,
)
from slipway.images.oci.filesystem import FileSystem
from slipway.images.oci.image import load_image
from slipway.images.oci.layout import Layout
from tests.support.images import add_image, add_layer, image, sha256, tar


def tree(tmp_path: Path, *layers: bytes) -> FileSystem:
    return FileSystem(image(tmp_path, *layers))


def names(files: FileSystem, folder: str = "/") -> list[str]:
    return [path for path, _ in files.under(folder)]


def test_upper_layers_replace_and_take_away(tmp_path: Path):
    files = tree(
        tmp_path,
        tar(("a/one", "1"), ("a/two", "2"), ("b/three", "3"), ("c/four", "4")),
        tar(("a/.wh.one", ""), ("a/two", "new"), ("b/five", "5"), ("b/.wh..wh..opq", "")),
        tar((".wh.c", "")),
    )
    assert names(files) == ["a", "a/two", "b", "b/five"]
    assert files.read("/a/two") == b"new"


def test_a_whiteout_does_not_touch_its_own_layer(tmp_path: Path):
    files = tree(tmp_path, tar(("a/one", "old")), tar((".wh.a", ""), ("a/two", "new")))
    assert names(files) == ["a", "a/two"]
    files = tree(tmp_path / "2", tar(("a/one", "old")), tar(("a/two", "new"), (".wh.a", "")))
    assert names(files) == ["a", "a/two"]


def test_links_stay_inside_the_image(tmp_path: Path):
    files = tree(
        tmp_path,
        tar(
            ("etc/passwd", "the image's"),
            ("out", "-> ../../../../etc/passwd"),
            ("absolute", "-> /etc"),
            ("loop", "-> loop2"),
            ("loop2", "-> loop"),
            ("dangling", "-> nowhere"),
        ),
    )
    assert files.read("/out") == files.read("/absolute/passwd") == b"the image's"
    assert files.resolve("/absolute/passwd") == "/etc/passwd"
    assert files.find("/loop") is files.find("/dangling") is files.find("/etc/passwd/x") is None
    link = files.find("/loop", follow=False)
    assert link is not None
    assert link.link == "loop2"


def test_a_layer_writes_through_a_folders_link_as_engines_do(tmp_path: Path):
    files = tree(tmp_path, tar(("usr/bin/a", "1"), ("bin", "-> usr/bin")), tar(("bin/b", "2")))
    assert names(files, "/usr/bin") == ["a", "b"]
    assert files.find("/bin", follow=False).is_link


def test_hard_links_are_the_file_they_name(tmp_path: Path):
    files = tree(tmp_path, tar(("a", "content"), ("b", "=> a")), tar(("a", "changed")))
    assert (files.read("/a"), files.read("/b")) == (b"changed", b"content")


@pytest.mark.parametrize("kind", [LAYER, LAYER_GZIP, LAYER_ZSTD])
def test_layers_are_read_however_they_are_compressed(tmp_path: Path, kind: str):
    layout, content = Layout(tmp_path), tar(("a", b"x" * 3_000_000), ("b", "end"))
    config = {"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": [sha256(content)]}}
    manifest = {
        "config": layout.add(encode(config), CONFIG).as_json(),
        "layers": [add_layer(layout, content, kind).as_json()],
    }
    files = FileSystem(load_image(layout, layout.add(encode(manifest), MANIFEST)))
    assert files.read("/b") == b"end"
    assert files.read("/a") is None, "a large file is not taken into memory"
    wanted = [files.find("/a").content]
    assert [len(stream.read()) for _, stream in files.contents(wanted)] == [3_000_000]


def test_small_files_are_kept_on_the_way(tmp_path: Path):
    files = FileSystem(image(tmp_path, tar(("etc/a", "1"), ("b", "2"))), lambda p: p == "/etc/a")
    for layer in files.image.layers:
        files.image.layout.path(layer.digest).unlink()
    assert files.read("/etc/a") == b"1"
    with pytest.raises(ImageError, match="missing"):
        files.read("/b")


def test_many_files_are_read_in_one_pass(tmp_path: Path):
    files = tree(tmp_path, tar(("a", "1"), ("b", "2"), ("c", "3")), tar(("d", "4")))
    wanted = [files.find(f"/{name}").content for name in "dca"]
    assert [stream.read() for _, stream in files.contents(wanted)] == [b"1", b"3", b"4"]


def test_a_path_that_leads_out_is_refused(tmp_path: Path):
    for entries in ([("../evil", "x")], [("a/../../evil", "x")], [("b", "=> ../../etc/shadow")]):
        with pytest.raises(ImageError, match="leads out of the image"):
            tree(tmp_path, tar(*entries))


def test_damage_is_told_with_its_layer(tmp_path: Path):
    whole = image(tmp_path, tar(("a", "1")), tar(("b", b"2" * 100_000)))
    blob = whole.layout.path(whole.layers[1].digest)
    content = blob.read_bytes()
    for damaged in (content[:-30] + bytes(30), b"\x1f\x8b" + bytes(len(content) - 2)):
        blob.write_bytes(damaged)
        with pytest.raises(ImageError, match="layer 2"):
            FileSystem(whole)


def test_a_layer_other_than_the_configurations_is_refused(tmp_path: Path):
    layout = Layout(tmp_path)
    other = {"type": "layers", "diff_ids": [sha256(b"other")]}
    found = add_image(layout, [tar(("a", "1"))], rootfs=other)
    with pytest.raises(ImageError, match="configuration"):
        FileSystem(load_image(layout, found))


def test_devices_and_endless_headers_do_no_harm(tmp_path: Path):
    device = tarfile.TarInfo("dev/sda")
    device.type = tarfile.BLKTYPE
    node = tree(tmp_path, tar(device)).find("/dev/sda")
    assert not node.is_file
    long = tarfile.TarInfo("a" * 3_000_000)
    with pytest.raises(ImageError, match="header"):
        tree(tmp_path, tar(long))
