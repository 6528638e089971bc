"""What a builder is given: a copy of the image's folder and what is generated for it."""

import hashlib
import re
import shutil
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from slipway.images.build.recipes import Recipe, argument_of
from slipway.images.oci.descriptors import encode
from slipway.installation import INSTALLATION
from slipway.settings.server import FILE, IN_IMAGE, server_config, write_server_config

TOOLCHAIN = ("slipway/__init__.py", "slipway/files.py", "slipway/toolchain")
"""What installs code-server, on a laptop and in its image."""
_OWN = re.compile(r"^COPY (packages/[a-z]+|slipway/model/apps/icons) ", re.MULTILINE)
"""Folders of Slipway that an image needs: its Python packages, and the icons of apps."""
_IGNORED = shutil.ignore_patterns(
    "__pycache__", "*.pyc", "*.egg-info", ".*_cache", "node_modules", ".DS_Store"
)
"""What tools leave in a checkout, and git and the images' .dockerignore leave out as well."""


def assemble(recipe: Recipe, folder: Path) -> None:
    """Fill the new `folder` with all that the Dockerfile copies from outside of itself.

    Modes and times are the same for every checkout: they become part of the image.
    """
    shutil.copytree(recipe.folder, folder, ignore=_IGNORED, symlinks=True)
    if FILE in recipe.dockerfile:
        write_server_config(folder, server_config(dict(recipe.apps), IN_IMAGE))
    if "COPY slipway " in recipe.dockerfile:
        for name in TOOLCHAIN:
            _copy(name, folder)
    for name in _OWN.findall(recipe.dockerfile):
        _copy(name, folder)
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)


def _copy(name: str, folder: Path) -> None:
    """A file or a folder of Slipway itself, at the same place below `folder`."""
    source, target = INSTALLATION / name, folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=_IGNORED)
    else:
        shutil.copyfile(source, target)


def facts(
    arguments: Mapping[str, str], parents: Mapping[str, str], platforms: Iterable[str], epoch: int
) -> dict[str, object]:
    """What an image depends on beside the files of its context. `parents` are digests by image."""
    return {
        "arguments": dict(arguments),
        "parents": {argument_of(name): digest for name, digest in parents.items()},
        "platforms": list(platforms),
        "epoch": epoch,
    }


def content_tag(folder: Path, facts: Mapping[str, object]) -> str:
    """A name for everything an image is made of: the files of its context and these facts."""
    digest = hashlib.sha256(encode(facts))
    for path in sorted(folder.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            continue
        name = path.relative_to(folder).as_posix()
        content = str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()
        mode = oct(path.lstat().st_mode)
        digest.update(encode([name, mode, hashlib.sha256(content).hexdigest()]))
    return digest.hexdigest()[:20]
