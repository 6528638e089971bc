"""An image as its editor would find it: files, variables, users, and where commands are."""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from slipway.images.migrate.users import Account, accounts, groups
from slipway.images.oci.filesystem import FileSystem, Node
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
                found = f"/{path}"
                if self.is_program(found):
                    yield found

    def open_to(self, path: str, uid: int, gid: int) -> bool:
        """Whether a process of that user can read what is at `path`, its folders included."""
        resolved = self.files.resolve(path)
        if resolved is None:
            return False
        above = resolved.split("/")[1:]
        folders = ["/" + "/".join(above[:depth]) for depth in range(1, len(above))]
        nodes: list[Node | None] = [self.files.find(folder) for folder in folders]
        can_enter = all(node and node.enterable_by(uid, gid) for node in nodes)
        node = self.files.find(resolved)
        return can_enter and node is not None and node.readable_by(uid, gid)
