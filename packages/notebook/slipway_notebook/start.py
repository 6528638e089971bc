"""What a user's container runs: fill a new home, then become the Jupyter server."""

import os
import shutil
import sys
from pathlib import Path

from slipway_notebook import early, serve

SKEL = Path(sys.prefix) / "share/slipway/skel"
"""What a new home begins with."""
MARKER = ".local/share/slipway/seeded"
"""In a home: it was filled. A user who deletes a file must not find it there again."""


def seed(skel: Path, home: Path) -> bool:
    """Copy what the image has for a home that was never filled. Nothing that exists is touched.

    A copy that was interrupted is finished by the next start: the marker comes last.
    """
    marker = home / MARKER
    if marker.exists():
        return False
    if skel.is_dir():
        _add_missing(skel, home)
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.touch()
    return True


def _add_missing(source: Path, target: Path) -> None:
    for item in source.iterdir():
        copy = target / item.name
        if item.is_dir() and not item.is_symlink():
            # What the user has put in a folder's place stays.
            if not copy.exists() and not copy.is_symlink():
                copy.mkdir(mode=item.stat().st_mode & 0o777 | 0o700)
            if copy.is_dir() and not copy.is_symlink():
                _add_missing(item, copy)
        elif not copy.exists() and not copy.is_symlink():
            partial = target / f".{item.name}.slipway-partial"
            # The home may not be the user's own folder to set times on: contents and modes count.
            if item.is_symlink():
                copy.symlink_to(item.readlink())
            else:
                shutil.copyfile(item, partial)
                partial.chmod(item.stat().st_mode & 0o777 | 0o600)
                partial.rename(copy)


def main() -> None:
    home = Path.home()
    try:
        seed(SKEL, home)
    except OSError as error:
        # A full home must still open, so that its user can make room.
        print(f"The home {home} could not be filled: {error}", file=sys.stderr, flush=True)
    os.chdir(home)
    early.start(os.environ.get("JUPYTERHUB_DEFAULT_URL", ""))
    serve.main()


if __name__ == "__main__":
    main()
