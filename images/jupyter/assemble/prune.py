"""Take out of an environment what no server ever reads or serves.

usage: prune.py PREFIX
"""

import shutil
import subprocess
import sys
from pathlib import Path

UNUSED = (
    "include",
    ".lock",
    "bin/[aA]ctivate*",
    "share/jupyterhub/static",  # the hub's own pages
    "share/man",
    "**/site-packages/jupyterlab/galata",  # what JupyterLab is tested with
    "**/site-packages/jupyterlab/staging/yarn.lock",
    "**/static/*.eot",  # browsers that run JupyterLab take woff2
    "**/static/*.ttf",
    "**/*.map",
    "**/*.pyx",
    "**/*.pxd",
    "**/*.c",
)
SOMETIMES = (".gitignore",)
"""What only some versions of Python make."""
LANGUAGES = (
    "ar", "ca", "cs", "da", "de", "el", "en", "es", "et", "fi", "fr", "he", "hu", "hy", "id", "it",
    "ja", "ko", "lt", "nl", "no", "pl", "pt", "ro", "root", "ru", "si", "sv", "tr", "uk", "vi",
    "zh",
)  # fmt: skip
"""JupyterLab's own (https://github.com/jupyterlab/language-packs). Babel knows a thousand more."""
TESTS = ("test", "tests")
LAB = "share/jupyter/lab/static"
LAB_AGAIN = "**/site-packages/jupyterlab/static"


def prune(prefix: Path) -> None:
    for pattern in UNUSED:
        found = list(prefix.glob(pattern))
        if not found:
            sys.exit(f"prune.py: nothing is at {prefix}/{pattern} any more: take it off the list")
        for path in found:
            _remove(path)
    for name in SOMETIMES:
        _remove(prefix / name)
    packages = next(prefix.glob("lib/*/site-packages"))
    for name in TESTS:
        for path in packages.glob(f"*/{name}"):
            _remove(path)
    for path in (packages / "babel/locale-data").iterdir():
        if path.stem.partition("_")[0] not in LANGUAGES:
            _remove(path)
    for path in prefix.glob("**/static/*.svg"):
        if b"<font " in path.read_bytes():
            _remove(path)
    # JupyterLab has its pages twice. Both are looked for.
    (again,) = prefix.glob(LAB_AGAIN)
    shutil.rmtree(again)
    again.symlink_to(prefix / LAB)
    # Wheels come with what their debugger would want to know.
    libraries = [path for path in packages.rglob("*.so*") if path.is_file()]
    subprocess.run(["strip", "--strip-debug", *libraries], check=True)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    prune(Path(sys.argv[1]))
