"""/opt/jupyter on systems that have other libraries, or none."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.images.conftest import Images
from tests.support import containers, systems
from tests.support.containers import HOME, inside, podman
from tests.support.local import Hub, User
from tests.support.terminal import ask

SYSTEMS = ("older-debian", "stand-in-without-a-c-library", "stand-in-with-musl", "stand-in-broken")
IMAGE = """\
FROM {jupyter} AS jupyter
FROM {system}
{more}
COPY --from=jupyter /opt/jupyter /opt/jupyter
"""
# Whoever looks for a library where systems have theirs, or where this variable says, finds these.
BROKEN = """\
ENV LD_LIBRARY_PATH=/usr/lib
COPY broken /usr/lib/
COPY broken /lib64/
"""
BROKEN_NAMES = (
    "libc.so.6", "libcrypto.so.3", "libgcc_s.so.1", "libm.so.6", "libsqlite3.so.0", "libssl.so.3",
    "libstdc++.so.6", "libz.so.1",
)  # fmt: skip

PROBE = """\
import ctypes, json, locale, os, pwd, socket, sqlite3, ssl, sys, zlib
locale.setlocale(locale.LC_ALL, "C.UTF-8")
print(json.dumps({
    "certificates": ssl.create_default_context().cert_store_stats()["x509_ca"],
    "user": pwd.getpwuid(0).pw_name,
    "localhost": socket.getaddrinfo("localhost", 80, socket.AF_INET)[0][4][0],
    "encoding": sys.stdout.encoding,
    "foreign": sorted({
        line.split()[-1] for line in open("/proc/self/maps")
        if ".so" in line and "/opt/jupyter/" not in line
    }),
}))
"""


@pytest.fixture(scope="module")
def elsewhere(images: Images, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub whose profiles are other systems with /opt/jupyter on top."""
    found = {}
    for name in SYSTEMS:
        folder = tmp_path_factory.mktemp(name)
        if name == "older-debian":
            system = systems.debian("bookworm", folder)
        else:
            system = systems.busybox(folder, *(["musl"] if "musl" in name else []))
        more = BROKEN if "broken" in name else ""
        text = IMAGE.format(jupyter=images["jupyter"], system=system, more=more)
        (folder / "Dockerfile").write_text(text)
        (folder / "broken").mkdir()
        for library in BROKEN_NAMES:
            (folder / "broken" / library).write_text("not a library\n")
        found[name] = f"localhost/elsewhere/{name}"
        podman("build", "-q", "--isolation=chroot", "-t", found[name], f"{folder}")
    with containers.running_hub(tmp_path_factory.mktemp("hub"), found) as hub:
        yield hub


@pytest.fixture(params=SYSTEMS)
def user(elsewhere: Hub, request: pytest.FixtureRequest) -> Iterator[User]:
    user = elsewhere.user(f"user-{request.param}")
    user.start(request.param)
    assert user.visit(f"/user/{user.name}/lab").status_code == 200
    yield user
    user.stop()


def test_server_kernel_and_terminal_work_and_each_has_its_own_libraries(user: User):
    home: Path = user.hub.folder / "homes" / user.name
    (home / "probe.py").write_text(PROBE)
    printed = inside(user, "/opt/jupyter/bin/jupyter", "run", f"{HOME}/probe.py")
    told = json.loads(printed.splitlines()[-1])
    assert told.pop("certificates") > 50
    assert told == {
        "user": "root", "localhost": "127.0.0.1", "encoding": "UTF-8", "foreign": [],
    }  # fmt: skip
    assert "/opt/jupyter" not in ask(user, "grep -o '/[^ ]*$' /proc/$$/maps")
