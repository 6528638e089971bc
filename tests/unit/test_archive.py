"""Archives of images: every kind that tools write, and what is refused."""

import gzip
import tarfile
from pathlib import Path

import pytest
import zstandard

from slipway.images.oci.descriptors import DOCKER_MANIFEST, Descriptor, ImageError, Platform
from slipway.images.oci.filesystem import FileSystem
from slipway.images.oci.image import load_image
from slipway.images.oci.layout import Layout
from slipway.images.registry import transfer
from tests.support.images import add_image, docker_archive, tar

LAYERS = [tar(("a", "1")), tar(("b", b"2" * 3_000_000))]


def import_archive(file: Path, layout: Layout, name: str = "") -> Descriptor:
    return transfer.import_archive(file, layout, name, Platform("linux", "amd64"))


def read(file: Path, layout: Layout, name: str = "") -> FileSystem:
    return FileSystem(load_image(layout, import_archive(file, layout, name)))


def oci_archive(folder: Path, file: Path, names: list[str]) -> Path:
    layout = Layout(folder)
    for name in names:
        layout.tag(name, add_image(layout, LAYERS))
    with tarfile.open(file, "w") as archive:
        archive.add(folder, ".")
    return file


def test_docker_save(tmp_path: Path):
    file = docker_archive(tmp_path / "image.tar", LAYERS, {"User": "dev"})
    files = read(file, Layout(tmp_path / "layout"))
    assert (files.read("/a"), files.image.settings) == (b"1", {"User": "dev"})
    assert files.image.descriptor.media_type == DOCKER_MANIFEST


def test_the_same_archive_becomes_the_same_image(tmp_path: Path):
    file = docker_archive(tmp_path / "image.tar", LAYERS)
    digests = {import_archive(file, Layout(tmp_path / name)).digest for name in "ab"}
    assert len(digests) == 1


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.ZstdCompressor().compress])
def test_compressed_archives(tmp_path: Path, pack):
    file = docker_archive(tmp_path / "image.tar", LAYERS)
    file.write_bytes(pack(file.read_bytes()))
    assert read(file, Layout(tmp_path / "layout")).read("/a") == b"1"


def test_an_oci_layout_in_a_tar(tmp_path: Path):
    file = oci_archive(tmp_path / "made", tmp_path / "image.tar", ["one"])
    assert read(file, Layout(tmp_path / "layout")).read("/a") == b"1"


def test_of_several_images_one_is_named(tmp_path: Path):
    file = oci_archive(tmp_path / "made", tmp_path / "image.tar", ["one", "two"])
    with pytest.raises(ImageError, match="one, two; add :NAME"):
        import_archive(file, Layout(tmp_path / "layout"))
    with pytest.raises(ImageError, match="no image 'three'"):
        import_archive(file, Layout(tmp_path / "layout"), "three")
    assert read(file, Layout(tmp_path / "layout"), "two").read("/a") == b"1"


def test_equal_layers_saved_as_links(tmp_path: Path):
    """docker save writes the second of two equal layers as a link to the first."""
    file = docker_archive(tmp_path / "image.tar", [LAYERS[0], LAYERS[0]])
    entries = []
    with tarfile.open(file) as archive:
        for member in archive:
            content = archive.extractfile(member).read()
            linked = member.name == "1/layer.tar"
            entries.append((member.name, "-> ../0/layer.tar" if linked else content))
    file.write_bytes(tar(*entries))
    assert read(file, Layout(tmp_path / "layout")).read("/a") == b"1"


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([("etc/passwd", "root")], "docker export"),
        ([("manifest.json", "[]"), ("../evil", "x")], "lists no image"),
        ([("manifest.json", "nonsense")], "damaged"),
        ([("manifest.json", '{"a": 1}')], "damaged"),
        ([("manifest.json", "[" * 100_000)], "damaged"),
        ([("manifest.json", '[{"Config": "c", "Layers": []}]')], "or not of an image"),
        (
            [("manifest.json", '[{"Config": "c", "Layers": []}]'), ("c", "-> c")],
            "or not of an image",
        ),
        (
            [("manifest.json", '[{"Config": "c", "Layers": []}]'), ("c", "-> /etc/passwd")],
            "or not of an image",
        ),
        ([("index.json", '{"manifests": []}')], "lists no image"),
        (
            [
                (
                    "index.json",
                    '{"manifests": [{"digest": "sha256:/../x", "mediaType": "", "size": 1}]}',
                )
            ],
            "or not of an image",
        ),
    ],
)
def test_what_is_no_image_is_refused(tmp_path: Path, entries: list, message: str):
    file = tmp_path / "image.tar"
    file.write_bytes(tar(*entries))
    with pytest.raises(ImageError, match=message):
        import_archive(file, Layout(tmp_path / "layout"))


def test_damaged_archives_are_refused_and_leave_nothing_behind(tmp_path: Path):
    file = docker_archive(tmp_path / "image.tar", LAYERS)
    content = file.read_bytes()
    changed = bytearray(content)
    changed[content.index(b"22222") + 1000] ^= 1
    damaged = (b"", b"not a tar", content[: len(content) // 2], bytes(changed),
               gzip.compress(content)[:-20])  # fmt: skip
    for data in damaged:
        file.write_bytes(data)
        layout = Layout(tmp_path / "layout")
        with pytest.raises(ImageError):
            import_archive(file, layout)
        assert layout.names() == {}
        left = {f.name for f in layout.folder.iterdir()}
        assert left == {".lock", "blobs", "index.json", "oci-layout"}
