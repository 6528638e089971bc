"""What an image is made of: distribution, C library, Pythons, shell, ports."""

import re
import shlex
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
    shell: str | None
    ports: tuple[str, ...]


def system(inside: Inside) -> System:
    release = inside.files.text("/etc/os-release") or inside.files.text("/usr/lib/os-release") or ""
    ports = inside.image.settings.get("ExposedPorts") or {}
    return System(
        name=_release(release).get("PRETTY_NAME", "an unknown system"),
        platform=str(inside.image.platform),
        libc=_libc(inside),
        pythons=tuple(_pythons(inside)),
        shell="/bin/sh" if inside.is_program("/bin/sh") else None,
        ports=tuple(sorted(map(str, ports))),
    )


def _release(text: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in text.splitlines() if not line.startswith("#"))
    return {name.strip(): _unquoted(value) for name, _, value in pairs if name.strip()}


def _unquoted(value: str) -> str:
    try:
        return " ".join(shlex.split(value))
    except ValueError:
        return value


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
        found = inside.files.find(folder)
        for name, node in (found.children or {}).items() if found else ():
            yield f"{folder}/{name}"
            if "-linux-" in name:
                yield from (f"{folder}/{name}/{inner}" for inner in node.children or ())


def _pythons(inside: Inside) -> Iterator[str]:
    for folder in ("/usr/bin", "/usr/local/bin", "/opt/conda/bin"):
        found = inside.files.find(folder)
        for name in sorted((found.children or {}) if found else {}):
            if re.fullmatch(r"python3\.\d+", name) and inside.is_program(f"{folder}/{name}"):
                yield f"{folder}/{name}"
