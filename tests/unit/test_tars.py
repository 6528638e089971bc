"""Tars of strangers: what tarfile would believe, and pay for with the memory or for ever."""

import gzip
import io
import tarfile
from pathlib import Path

import pytest
import zstandard

from slipway.images.oci import filesystem, streams
from slipway.images.oci.descriptors import ImageError
from slipway.images.oci.filesystem import FileSystem
from slipway.images.oci.streams import damage, decompressed
from slipway.images.oci.tars import LARGEST_FILE, LONGEST_NAME, members, open_tar
from tests.support.images import image, tar

BLOCK = 512
END = bytes(2 * BLOCK)


def header(name: str = "a", kind: bytes = tarfile.REGTYPE, size: int = 0) -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


def padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % BLOCK)


def attributes(*records: bytes, kind: bytes = tarfile.XHDTYPE) -> bytes:
    content = b"".join(records)
    return header("pax", kind, len(content)) + padded(content)


def record(key: bytes, value: bytes) -> bytes:
    """As the format has it: its length, its own digits included, comes first."""
    rest = b" " + key + b"=" + value + b"\n"
    length = len(rest) + len(str(len(rest)))
    length = len(rest) + len(str(length))
    return str(length).encode() + rest


def listed(content: bytes) -> list[str]:
    with damage("the tar"), open_tar(io.BytesIO(content)) as opened:
        return [member.name for member in members(opened)]


def test_ordinary_tars_of_every_format_are_read():
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
            for name, size in (("a", 0), ("b" * 90, 513), ("folder/c", 3 * 2**20)):
                info = tarfile.TarInfo(name)
                info.size = size
                archive.addfile(info, io.BytesIO(bytes(size)))
        assert listed(buffer.getvalue()) == ["a", "b" * 90, "folder/c"]


def test_long_names_attributes_and_contents_come_through():
    long = "folder/" * 40 + "ü"
    info = tarfile.TarInfo(long)
    info.size, info.pax_headers = 5, {"SCHILY.xattr.user.note": "=1 2\n3=", "comment": ""}
    buffer = io.BytesIO()
    options = {"format": tarfile.PAX_FORMAT, "pax_headers": {"comment": "of all"}}
    with tarfile.open(fileobj=buffer, mode="w", **options) as archive:
        archive.addfile(info, io.BytesIO(b"12345"))
        archive.addfile(tarfile.TarInfo("after"))
    with open_tar(io.BytesIO(buffer.getvalue())) as opened:
        for member in members(opened):
            if member.name == long:
                assert opened.extractfile(member).read() == b"12345"
                break
        assert [member.name for member in members(opened)] == ["after"]


HOSTILE = {
    # Read as it says, this takes a loop of 10^12 turns.
    "a file of exabytes": header(size=2**62) + END,
    "a file of a negative size": attributes(record(b"size", b"-512")) + header() + END,
    "a file of more digits than there are": attributes(record(b"size", b"9" * 90)) + header(),
    # CVE-2024-6232: quadratic in the digits.
    "attributes of digits": attributes(b"1" * 2**19) + header() + END,
    "an attribute of digits": attributes(record(b"a", b"1" * 2**19)) + header() + END,
    # Each record one byte further, each key all of the rest.
    "attributes within each other": attributes(b"1 " * 2**18 + b"=") + header() + END,
    "an attribute longer than all": attributes(b"99 a=b\n") + header() + END,
    "an attribute of no length": attributes(b"0 a=b\n") + header() + END,
    "an attribute without a value": attributes(b"7 abcd\n") + header() + END,
    "attributes for all that add up": b"".join(
        attributes(record(b"%d" % n, b"x" * 2**16), kind=tarfile.XGLTYPE) for n in range(17)
    )
    + header()
    + END,
    "headers without an end": attributes(record(b"a", b"b")) * 3000 + header() + END,
    "long names without an end": (header("x", tarfile.GNUTYPE_LONGNAME, 2) + padded(b"y\0")) * 3000,
    "a name of 5000 letters": attributes(record(b"path", b"a/" * 2500)) + header() + END,
    "a link to 5000 letters": attributes(record(b"linkpath", b"a" * 5000))
    + header("l", tarfile.SYMTYPE)
    + END,
    "holes": header("s", tarfile.GNUTYPE_SPARSE) + END,
    "holes as attributes": attributes(
        record(b"GNU.sparse.major", b"1"), record(b"GNU.sparse.minor", b"0")
    )
    + header()
    + END,
    "holes by a map": attributes(record(b"GNU.sparse.map", b"0,1")) + header() + END,
    "a file that ends too soon": header(size=1000) + b"x",
    "half a header": header()[:300],
    "no checksum": b"a" + bytes(511),
    "nothing": b"",
    "noise": b"noise" * 1000,
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_tar_is_one_kind_of_error(content: bytes):
    with pytest.raises(ImageError, match="the tar is damaged"):
        listed(content)


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_layer_is_refused_with_its_number(tmp_path: Path, content: bytes):
    with pytest.raises(ImageError, match="layer 2"):
        FileSystem(image(tmp_path, tar(("a", "1")), content))


def test_sizes_and_names_at_their_limits_pass():
    name = "a/" * (LONGEST_NAME // 2 - 1)
    assert listed(attributes(record(b"path", name.encode())) + header() + END)
    with pytest.raises(ImageError, match="file of"):
        listed(attributes(record(b"size", b"%d" % (LARGEST_FILE + 1))) + header() + END)


PACKED = {"gzip": gzip.compress, "zstd": zstandard.ZstdCompressor().compress}


@pytest.mark.parametrize("pack", PACKED.values(), ids=PACKED)
def test_what_unpacks_out_of_proportion_is_given_up(
    tmp_path: Path, pack, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(streams, "_FREE", 2**20)
    file = tmp_path / "bomb"
    file.write_bytes(pack(bytes(2**26)))
    read = 0

    def unpack() -> None:
        nonlocal read
        with damage("the bomb"), decompressed(file) as stream:
            for data in streams.chunks(stream):
                read += len(data)

    with pytest.raises(ImageError, match="more than 100 times as large as what is stored"):
        unpack()
    assert read < 2**25, "before all of it is there"


@pytest.mark.parametrize("pack", PACKED.values(), ids=PACKED)
def test_a_read_without_a_size_takes_no_more_than_another(tmp_path: Path, pack):
    file = tmp_path / "file"
    file.write_bytes(pack(bytes(3 * streams.CHUNK)))
    with decompressed(file) as stream:
        assert len(stream.read()) <= streams.CHUNK


def test_few_zeros_are_no_bomb(tmp_path: Path):
    content = tar(("zeros", bytes(2**24)))
    files = FileSystem(image(tmp_path, content))
    assert files.find("/zeros").content.size == 2**24


def test_folders_that_only_paths_name_count_as_entries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(filesystem, "_MOST_ENTRIES", 100)
    deep = [(f"{number}/" + "a/" * 30 + "b", "") for number in range(4)]
    assert FileSystem(image(tmp_path / "3", tar(*deep[:3]))).find("/2/a/a")
    with pytest.raises(ImageError, match="more than 100 entries"):
        FileSystem(image(tmp_path / "4", tar(*deep)))


def test_names_have_a_limit_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(filesystem, "_MOST_NAMES", 1000)
    long = [(f"{number}" + "n" * 90, f"-> {'t' * 90}") for number in range(6)]
    assert FileSystem(image(tmp_path / "5", tar(*long[:5])))
    with pytest.raises(ImageError, match="names too long"):
        FileSystem(image(tmp_path / "6", tar(*long)))


def test_layers_are_not_read_again_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(filesystem, "_MOST_READS", 3)
    files = FileSystem(image(tmp_path, tar(("a", "1"))))
    for _ in range(3):
        assert files.read("/a") == b"1"
    with pytest.raises(ImageError, match="more than 3 times"):
        files.read("/a")
