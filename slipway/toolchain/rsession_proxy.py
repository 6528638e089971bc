"""jupyter-rsession-proxy in a folder of its own.

Its entry point puts an RStudio tile into every launcher of the environment it is installed in, so
on a laptop, where one environment serves all images, only servers of images with RStudio see it.
"""

import subprocess
import sys
from pathlib import Path
from tempfile import NamedTemporaryFile

from slipway.files import new_folder
from slipway.toolchain import Progress
from slipway.toolchain.node import lock_digest


class PipError(Exception):
    """pip did not finish; the message holds the end of what it printed."""


def install(lock: Path, tools: Path, progress: Progress) -> Path:
    """Install what `lock` (images/jupyter/rstudio.txt) pins, once; return the folder.

    Raises PipError.
    """
    target = tools / f"rsession-proxy-{lock_digest(lock)}"
    if target.is_dir():
        return target
    progress("jupyter-rsession-proxy")
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--require-hashes"]
    with new_folder(target) as work, NamedTemporaryFile("w", suffix=".txt") as requirements:
        requirements.write(_entry(lock.read_text(), "jupyter-rsession-proxy"))
        requirements.flush()
        done = subprocess.run(
            [*pip, f"--target={work}", f"--requirement={requirements.name}"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise PipError("\n".join(done.stderr.strip().splitlines()[-8:]))
    return target


def _entry(lock: str, package: str) -> str:
    """The lines of one package in a compiled requirements file: its pin and its hashes."""
    lines = lock.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"{package}=="))
    end = next(i for i in range(start, len(lines)) if not lines[i].endswith("\\"))
    return "\n".join(lines[start : end + 1]) + "\n"
