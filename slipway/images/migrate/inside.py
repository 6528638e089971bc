"""An image as its editor would find it: files, variables, users, and where commands are."""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from slipway.facts import USER_ID
from slipway.images.migrate.users import Account, accounts, groups
from slipway.images.oci.filesystem import FileSystem
from slipway.images.oci.image import Image

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""What container engines set where an image sets none."""

_KEEP = re.compile(
    r"/etc/(passwd|group|os-release|rstudio/.*)"
    r"|/usr/lib/os-release"
    r"|.*/(s6-rc\.d|services\.d|cont-init\.d)/.*"
    r"|.*/(config\.ya?ml|rserver\.conf|rsession\.conf|rstudio-prefs\.json|settings\.json)"
    r"|.*/code-server[^/]*/package\.json"
    r"|.*/R/library/base/DESCRIPTION"
    r"|/([^/]*|(usr/(local/)?)?s?bin/[^/]*)\.sh"
    r"|.*/bin/(code-server|rserver)"
)
"""Files that are looked at, kept while the layers are read once."""


def worth_keeping(path: str) -> bool:
    return _KEEP.fullmatch(path) is not None


@dataclass(frozen=True)
class Inside:
    files: FileSystem

    @property
    def image(self) -> Image:
        return self.files.image

    @cached_property
    def environment(self) -> Mapping[str, str]:
        pairs = (item.partition("=") for item in self.image.settings.get("Env") or [])
        return {name: value for name, _, value in pairs}

    @cached_property
    def accounts(self) -> list[Account]:
        return accounts(self.files.text("/etc/passwd") or "")

    @cached_property
    def groups(self) -> dict[str, int]:
        return groups(self.files.text("/etc/group") or "")

    def set_variables(self, *names: str) -> list[str]:
        """Those of these environment variables that have a value."""
        return [name for name in names if self.environment.get(name)]

    @property
    def working_directory(self) -> str:
        return str(self.image.settings.get("WorkingDir") or "/")

    def words(self, name: str) -> list[str]:
        """`Entrypoint` or `Cmd`."""
        return list(self.image.settings.get(name) or [])

    def absolute(self, path: str) -> str:
        return posixpath.normpath(posixpath.join(self.working_directory, path))

    def is_program(self, path: str) -> bool:
        node = self.files.find(path)
        return node is not None and node.is_file and bool(node.mode & 0o111)

    def on_path(self, command: str) -> str | None:
        for folder in (self.environment.get("PATH") or _PATH).split(":"):
            if folder.startswith("/") and self.is_program(path := posixpath.join(folder, command)):
                return path
        return None

    def programs(self, command: str) -> Iterator[str]:
        """Everything executable of that name, wherever it is."""
        for path, node in self.files.under("/"):
            if path.rpartition("/")[2] == command and not node.is_folder:
                program = f"/{path}"
                if self.is_program(program):
                    yield program

    def is_open(self, path: str) -> bool:
        """Whether users' servers can read what is at `path`, its folders included."""
        resolved = self.files.resolve(path)
        node = self.files.find(resolved) if resolved else None
        if not (resolved and node and node.readable_by(USER_ID)):
            return False
        folders = [self.files.find(str(path)) for path in PurePosixPath(resolved).parents[:-1]]
        return all(folder and folder.allows(USER_ID, 1) for folder in folders)
