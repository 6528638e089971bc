"""What an image is made of: distribution, C library, Pythons, ports."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from slipway.images.migrate.inside import Inside

_LIBC = re.compile(r"libc-(2\.\d+)\.so|ld-musl-[a-z0-9_]+\.so\.1|libc\.so\.6")
_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64")
_MUSL = re.compile(rb"\x00(1\.\d+\.\d+)\x00")
_GLIBC = re.compile(rb"stable release version (2\.\d+)")


@dataclass(frozen=True)
class System:
    name: str
    """As /etc/os-release has it: `Debian GNU/Linux 13 (trixie)`."""
    platform: str
    libc: str
    pythons: tuple[str, ...]
    ports: tuple[str, ...]
    shell: str = "/bin/sh"
    """An image without it is refused."""


def system(inside: Inside) -> System:
    release = inside.files.text("/etc/os-release") or inside.files.text("/usr/lib/os-release") or ""
    ports = inside.image.settings.get("ExposedPorts") or {}
    return System(
        name=_pretty_name(release),
        platform=str(inside.image.platform),
        libc=_libc(inside),
        pythons=tuple(_pythons(inside)),
        ports=tuple(sorted(map(str, ports))),
    )


def _pretty_name(release: str) -> str:
    """https://www.freedesktop.org/software/systemd/man/latest/os-release.html"""
    match = re.search(r"^PRETTY_NAME=(.*)", release, re.MULTILINE)
    return match[1].strip().strip("\"'") if match else "an unknown system"


def _libc(inside: Inside) -> str:
    """`glibc 2.41`, `musl 1.2.5`, or without the version where the file does not tell."""
    for path in _libraries(inside):
        if match := _LIBC.fullmatch(path.rpartition("/")[2]):
            if match[1]:
                return f"glibc {match[1]}"
            kind, pattern = ("musl", _MUSL) if "musl" in match[0] else ("glibc", _GLIBC)
            version = pattern.search(inside.files.head(path) or b"")
            return f"{kind} {version[1].decode()}" if version else kind
    return "none"


def _libraries(inside: Inside) -> Iterator[str]:
    for folder in _LIBRARIES:
        for name, node in inside.files.children(folder).items():
            yield f"{folder}/{name}"
            if "-linux-" in name:
                yield from (f"{folder}/{name}/{inner}" for inner in node.children or ())


def _pythons(inside: Inside) -> Iterator[str]:
    for folder in ("/usr/bin", "/usr/local/bin", "/opt/conda/bin"):
        for name in sorted(inside.files.children(folder)):
            if re.fullmatch(r"python3\.\d+", name) and inside.is_program(f"{folder}/{name}"):
                yield f"{folder}/{name}"
