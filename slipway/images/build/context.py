"""What a builder is given: what to build, and a folder with everything that it takes."""

import hashlib
import re
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from slipway.images.build.recipes import BASE, Recipe, argument_of
from slipway.images.oci.descriptors import Descriptor, Platform, encode
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


@dataclass(frozen=True)
class BuildRequest:
    """One image to build."""

    recipe: Recipe
    base: str | None
    """The outside image it starts from, by digest."""
    parents: Mapping[str, Descriptor]
    """By name, the images of the store that it is built on."""
    platforms: tuple[Platform, ...]
    epoch: int
    """The time of everything in the image, in seconds since 1970."""
    cached: bool = True
    ca: Path | None = None

    @property
    def arguments(self) -> dict[str, str]:
        return {**self.recipe.arguments} | ({BASE: self.base} if self.base else {})

    @contextmanager
    def assembled(self) -> Iterator[Path]:
        """A temporary folder with the Dockerfile and all that it copies."""
        with TemporaryDirectory(prefix="slipway-build-") as folder:
            context = Path(folder, "context")
            assemble(self.recipe, context)
            yield context

    def tag(self, context: Path) -> str:
        """The content tag of the image, whose files are in `context`."""
        facts = {
            "arguments": self.arguments,
            "parents": {argument_of(name): image.digest for name, image in self.parents.items()},
            "platforms": [str(platform) for platform in self.platforms],
            "epoch": self.epoch,
        }
        return content_tag(context, facts)


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
