"""Fifteen thousand damaged images: each is read, or refused in words, and none fills the memory."""

import gzip
import json
import random
import resource
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slipway.cli.migrate import _findings
from slipway.images.migrate.editors import options
from slipway.images.migrate.examine import examine
from slipway.images.migrate.inside import Inside, worth_keeping
from slipway.images.migrate.layers import write_layer
from slipway.images.oci.descriptors import CONFIG, LAYER, MANIFEST, Descriptor, ImageError
from slipway.images.oci.filesystem import FileSystem
from slipway.images.oci.image import Image, load_image
from slipway.images.oci.layout import Layout
from slipway.images.registry import transfer
from slipway.untrusted import printable
from tests.support.images import docker_archive, sha256, tar
from tests.support.migrating import CONFIG_FILE, PASSWD

pytestmark = pytest.mark.slow
ROOM = 3 * 2**30
"""Bytes that this process may grow by."""
BLOCK = 512

long = tarfile.TarInfo("home/dev/" + "long/" * 40 + "ü")
long.pax_headers = {"SCHILY.xattr.user.note": "1 2=3\n"}
device = tarfile.TarInfo("dev/null")
device.type = tarfile.CHRTYPE
LAYERS = (
    tar(("bin/sh", "#!"), ("usr/bin/code-server", "#!/bin/sh\nexec /opt/x/y \"$@\"\n"), mode=0o755),
    tar(
        ("etc/passwd", PASSWD),
        ("etc/group", "dev:x:1234:\n"),
        ("etc/os-release", 'PRETTY_NAME="Debian"\n'),
        ("etc/s6-rc.d/code/run", "#!/bin/sh\nexec code-server --app-name ${A:-b} \"$@\"\n"),
        ("home/dev/.config/code-server/config.yaml", CONFIG_FILE),
        ("home/dev/.bashrc", "-> /etc/skel/.bashrc"),
        ("home/dev/same", "=> etc/group"),
        ("usr/bin/.wh.gone", ""),
        ("opt/.wh..wh..opq", ""),
        long,
        device,
    ),
)  # fmt: skip
SETTINGS: dict[str, Any] = {
    "User": "dev",
    "Env": ["PATH=/usr/bin:/bin", "A=1"],
    "Entrypoint": ["/usr/bin/code-server", "--auth", "none"],
    "Cmd": ["--app-name", "x", "/home/dev"],
    "WorkingDir": "/home/dev",
    "ExposedPorts": {"8080/tcp": {}},
    "Labels": {"a": "b"},
}
CONFIGURATION: dict[str, Any] = {
    "os": "linux",
    "architecture": "amd64",
    "config": SETTINGS,
    "rootfs": {"type": "layers", "diff_ids": [sha256(layer) for layer in LAYERS]},
    "history": [{"created_by": "RUN x"}, {"created_by": "RUN y"}],
}


@pytest.fixture(autouse=True)
def little_memory() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + ROOM, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


def mutated(content: bytes, chance: random.Random) -> bytes:
    """The bytes with one to four things wrong."""
    data = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        if not data:
            break
        at = chance.randrange(len(data))
        match chance.randrange(7):
            case 0:
                data[at] = chance.randrange(256)
            case 1:
                del data[at:]
            case 2:
                data[at:at] = chance.randbytes(chance.randint(1, 600))
            case 3:
                block = at - at % BLOCK
                data[block:block] = data[block : block + BLOCK * chance.randint(1, 3)]
            case 4:
                del data[at : at + chance.randint(1, 1500)]
            case 5:
                number = chance.choice([b"7" * 11, b"\x80" + b"\xff" * 11, b"-1", b"9999999999999"])
                data[at : at + len(number)] = number
            case 6:
                data[at : at + 1] = chance.choice(WORDS)
    return bytes(data)


WORDS = (
    *(
        b"../",
        b"/",
        b"\0",
        b"\x1b[2J",
        b"=",
        b"\n",
        b".wh.",
        b"*a",
        b"&a ",
        b": ",
        b"- ",
        b"[",
        b"{",
    ),
    *("\u202e".encode(), b"\xff\xfe", b"x" * 5000, b"a/" * 3000, b"[" * 3000, b"9" * 400, b"$A"),
)


def with_checksums(content: bytes) -> bytes:
    """Every block that may be a header says its sum: damage behind it is reached."""
    data = bytearray(content)
    for block in range(0, len(data) - BLOCK + 1, BLOCK):
        if data[block + 257 : block + 262] == b"ustar":
            data[block + 148 : block + 156] = b" " * 8
            total = sum(data[block : block + BLOCK])
            data[block + 148 : block + 156] = b"%06o\0 " % total
    return bytes(data)


def image_of(layout: Layout, layers: tuple[bytes, ...], stored: tuple[bytes, ...]) -> Image:
    """Without the care with which a layout writes: there are thousands."""
    described = []
    for content in stored:
        descriptor = Descriptor(LAYER, sha256(content), len(content))
        layout.path(descriptor.digest).write_bytes(content)
        described.append(descriptor)
    digests = tuple(map(sha256, layers))
    manifest = Descriptor(MANIFEST, sha256(b""), 0)
    return Image(layout, manifest, CONFIGURATION, tuple(described), digests)


def read(image: Image, *, write: bool) -> bool:
    """Whether it is an image that can be migrated. Raises nothing."""
    try:
        found = examine(Inside(FileSystem(image, worth_keeping)), "auto", add_user=write)
        told = _findings(found)
        json.dumps(found.as_json())
        if write:
            write_layer(image.layout, found, {})
    except ImageError as error:
        told = str(error)
        assert told
        return False
    assert printable(told) == told
    return True


def test_layers(tmp_path: Path):
    chance, layout, good = random.Random(1), Layout(tmp_path), 0
    for number in range(6000):
        which = chance.randrange(2)
        layer = mutated(LAYERS[which], chance)
        layer = with_checksums(layer) if chance.random() < 0.8 else layer
        layers = (layer, LAYERS[1]) if which == 0 else (LAYERS[0], layer)
        stored = layers
        if chance.random() < 0.3:
            packed = gzip.compress(layer, 1)
            packed = mutated(packed, chance) if chance.random() < 0.3 else packed
            stored = (packed, layers[1]) if which == 0 else (layers[0], packed)
        good += read(image_of(layout, layers, stored), write=number % 20 == 0)
    assert good > 500, "much of what is damaged is still an image"


def somewhere(value: Any, chance: random.Random) -> Any:
    """The value with another one somewhere in it."""
    if chance.random() < 0.15 or not isinstance(value, dict | list) or not value:
        return chance.choice(VALUES)
    if isinstance(value, dict):
        key = chance.choice([*value])
        if chance.random() < 0.1:
            return {name: item for name, item in value.items() if name != key}
        return value | {key: somewhere(value[key], chance)}
    at = chance.randrange(len(value))
    return [*value[:at], somewhere(value[at], chance), *value[at + 1 :]]


VALUES = (
    *(
        None,
        True,
        0,
        -1,
        2**70,
        1.5,
        "",
        "/",
        "\x1b[2J",
        "../..",
        "a:b:c",
        "x" * 10_000,
        "sha256:x",
    ),
    *([], {}, [None], {"a": None}, [[[[]]]], ["=", "A", "=B"], {"digest": "sha256:" + "0" * 64}),
    *("sh", "-c", "code-server --config=/etc/passwd", "${A:-$A}", "$" * 500, "\u202e", "\ud800"),
)


def test_configurations_and_manifests(tmp_path: Path):
    chance, layout, good = random.Random(2), Layout(tmp_path), 0
    plain = [layout.add(layer, LAYER).as_json() for layer in LAYERS]
    for _ in range(4000):
        config: Any = CONFIGURATION
        for _ in range(chance.randint(1, 3)):
            config = somewhere(config, chance)
        content = json.dumps(config).encode()
        at = Descriptor(CONFIG, sha256(content), len(content))
        layout.path(at.digest).write_bytes(content)
        manifest: Any = {"schemaVersion": 2, "config": at.as_json(), "layers": plain}
        if chance.random() < 0.4:
            manifest = somewhere(manifest, chance)
        content = json.dumps(manifest).encode()
        top = Descriptor(MANIFEST, sha256(content), len(content))
        layout.path(top.digest).write_bytes(content)
        try:
            image = load_image(layout, top)
        except ImageError:
            continue
        good += read(image, write=False)
    assert good > 400


def test_archives(tmp_path: Path):
    chance, file = random.Random(3), tmp_path / "image.tar"
    whole, good = docker_archive(file, LAYERS, SETTINGS).read_bytes(), 0
    for _ in range(2500):
        archive = mutated(whole, chance)
        archive = with_checksums(archive) if chance.random() < 0.8 else archive
        file.write_bytes(archive)
        try:
            kind, names = transfer._contents(file)
        except ImageError:
            continue
        assert kind in ("docker-archive", "oci-archive")
        assert all(isinstance(name, str) for each in names for name in each)
        good += 1
    assert good > 500


TEXTS = (
    CONFIG_FILE.encode(),
    b"a: &a [1, 2, *b]\nb: &b {c: *a}\n",
    b"a0: &a [x,x,x,x]\na1: &b [*a,*a,*a,*a]\na2: [*b,*b,*b,*b]\n",
    b"- - - - [{a: {b: [c]}}]\n? [x]\n: !!python/object/new:os.system [x]\n",
    b'"\\u202e\\e[2J": |\n  text\n  more\nlist: [on, off, 0o7, 1_000, .inf, 2020-01-01]\n',
)


def test_configurations_of_editors():
    chance, good = random.Random(4), 0
    for _ in range(3000):
        text = mutated(chance.choice(TEXTS), chance).decode("utf-8", "replace")
        value = options.parse_file(text)
        good += value is not None
        json.dumps(value)
    assert good > 200
