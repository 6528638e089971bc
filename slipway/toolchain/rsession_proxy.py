"""jupyter-rsession-proxy in a folder of its own.

Its entry point puts an RStudio tile into every launcher of the environment it is installed in, so
on a laptop, where one environment serves all images, only servers of images with RStudio see it.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import mkdtemp

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
    tools.mkdir(parents=True, exist_ok=True)
    work = Path(mkdtemp(prefix=".rsession-proxy-", dir=tools))
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--require-hashes"]
    own = work / "requirements.txt"
    try:
        own.write_text(_entry(lock.read_text(), "jupyter-rsession-proxy"))
        done = subprocess.run(
            [*pip, "--target", str(work / "packages"), "-r", str(own)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise PipError("\n".join(done.stderr.strip().splitlines()[-8:]))
        (work / "packages").rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return target


def _entry(lock: str, package: str) -> str:
    """The lines of one package in a compiled requirements file: its pin and its hashes."""
    lines = lock.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"{package}=="))
    end = next(i for i in range(start, len(lines)) if not lines[i].endswith("\\"))
    return "\n".join(lines[start : end + 1]) + "\n"
