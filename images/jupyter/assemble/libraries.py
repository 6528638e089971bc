"""Give the interpreter a C library and everything else it needs of its own.

It then runs on any Linux, whatever libraries that has, newer, older or none. No variable says so:
programs that it starts, such as a user's shell, have their own system's libraries.

usage: libraries.py PREFIX
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

BORROWED = (
    "libc.so.6", "libdl.so.2", "libexpat.so.1", "libgcc_s.so.1", "libm.so.6", "libpthread.so.0",
    "libresolv.so.2", "librt.so.1", "libstdc++.so.6", "libutil.so.1", "libz.so.1",
)  # fmt: skip
"""What wheels may expect of a system (https://peps.python.org/pep-0600/), but for the libraries
of a desktop. The interpreter has them loaded from the start: a wheel with a search path of its own
would find the system's first."""

LOCALES = "/usr/lib/locale"


def give(prefix: Path) -> None:
    python = (prefix / "python/bin/python3").resolve()
    folder = prefix / "python/lib"
    needed = dict(_needed_by(path for path in prefix.rglob("*") if _is_elf(path)))
    needed |= {name: _system(name, needed["libc.so.6"]) for name in BORROWED}
    # What those need in turn.
    needed |= dict(_needed_by(needed.values()))
    loader = Path(_run("patchelf", "--print-interpreter", str(python)).strip())
    needed[loader.name] = loader
    for name, path in sorted(needed.items()):
        if not path.is_relative_to(prefix):
            shutil.copy(path.resolve(), folder / name)
            (folder / name).chmod(0o755)
    _keep_locale(prefix, folder / "libc.so.6")
    add = [word for name in BORROWED for word in ("--add-needed", name)]
    where = ["--force-rpath", "--set-rpath", str(folder)]
    _run("patchelf", *add, *where, "--set-interpreter", str(folder / loader.name), str(python))


def _keep_locale(prefix: Path, libc: Path) -> None:
    """Have C.UTF-8 at a place of our own, of the same length as where the C library looks.

    It still reads the locale archive of the system, if that has one.
    """
    ours = prefix / "lo"
    assert len(str(ours)) == len(LOCALES), "another PREFIX needs another name here"
    shutil.copytree(LOCALES, ours)
    before, place, after = libc.read_bytes().partition(b"\0%s\0" % LOCALES.encode())
    if not place or place in after:
        sys.exit(f"{libc} does not name {LOCALES} once")
    libc.write_bytes(before + b"\0%s\0" % str(ours).encode() + after)


def _needed_by(files: Iterator[Path]) -> Iterator[tuple[str, Path]]:
    """Name and place of each shared library that these files need."""
    for file in files:
        for line in _run("ldd", str(file), check=False).splitlines():
            if match := re.match(r"\s+(\S+) => (\S+|not found)", line):
                name, place = match.groups()
                if place.startswith("not"):
                    sys.exit(f"{file} needs {name}, which this image does not have")
                yield name, Path(place)


def _system(name: str, beside: Path) -> Path:
    """The library `name` of this system, in the folder of `beside` or one with the same name."""
    folders = [beside.parent, Path("/usr") / beside.parent.relative_to("/")]
    found = [folder / name for folder in folders if (folder / name).exists()]
    if not found:
        sys.exit(f"{name} is not in {folders[0]}: install its package in the Dockerfile")
    return found[0]


def _is_elf(path: Path) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def _run(*command: str, check: bool = True) -> str:
    done = subprocess.run(command, check=check, stdout=subprocess.PIPE, text=True)
    return done.stdout


if __name__ == "__main__":
    give(Path(sys.argv[1]))
