"""What a container of an image would see: all its layers as one tree, read without unpacking.

Layers are changesets (https://github.com/opencontainers/image-spec/blob/main/layer.md): `.wh.name`
takes away what lower layers have, `.wh..wh..opq` empties a folder of theirs. Symbolic links lead
nowhere but inside the image.
"""

import stat
import tarfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from slipway.images.oci.descriptors import ImageError
from slipway.images.oci.image import Image
from slipway.images.oci.streams import Hashed, damage, decompressed
from slipway.images.oci.tars import members, open_tar

SMALL = 2**20
"""The most bytes that `read` and `keep` take of a file."""
_HEAD = 16 * 2**20
"""The most bytes that `head` reads."""
_KEPT = 64 * 2**20
"""The most bytes of all files that are kept."""
_MOST_ENTRIES = 2_000_000
"""Files, folders and links of all layers, with folders that no layer has but as part of a path."""
_MOST_NAMES = 2**28
"""Characters of all paths and of what links point to."""
_MOST_READS = 200
"""How often layers are read again for files that were not kept."""
_MOST_LINKS = 40
_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"


@dataclass(frozen=True, slots=True)
class Content:
    """Where a regular file's bytes are: the `position`-th entry of a layer."""

    layer: int
    position: int
    size: int
    kept: bytes | None = None


@dataclass(slots=True)
class Node:
    """A file, folder or link. `mode` has the bits of os.stat, the type among them."""

    mode: int
    uid: int = 0
    gid: int = 0
    link: str = ""
    """Where a symbolic link points."""
    content: Content | None = None
    """Of a regular file."""
    children: dict[str, "Node"] | None = None
    """Of a folder."""

    @property
    def is_folder(self) -> bool:
        return self.children is not None

    @property
    def is_file(self) -> bool:
        return self.content is not None

    @property
    def is_link(self) -> bool:
        return stat.S_ISLNK(self.mode)

    def allows(self, user: int, bits: int) -> bool:
        """Whether its mode gives a process with this uid and gid all of these bits: 4 to read a
        file or list a folder, 1 to enter one."""
        shift = 6 if user == self.uid else 3 if user == self.gid else 0
        return (self.mode >> shift) & bits == bits

    def readable_by(self, user: int) -> bool:
        """Of a folder: listed and entered."""
        return self.allows(user, 5 if self.is_folder else 4)


def _folder(mode: int = 0o755, uid: int = 0, gid: int = 0) -> Node:
    return Node(stat.S_IFDIR | mode, uid, gid, children={})


class FileSystem:
    """The merged tree of an image's layers. Paths are absolute: `/etc/passwd`."""

    def __init__(
        self,
        image: Image,
        keep: Callable[[str], bool] = lambda path: False,
        progress: Callable[[int, int], None] = lambda number, of: None,
    ) -> None:
        """Read every layer once, and check each against the image's configuration.

        Small files for which `keep(path)` holds stay in memory, where `read` finds them at once.
        `progress` gets the number of the layer that is read next, from 1, and that of all.
        Raises ImageError for a damaged layer.
        """
        self.image = image
        self.root = _folder()
        self._keep, self._room = keep, _KEPT
        self._entries = self._names = self._reads = 0
        for number in range(len(image.layers)):
            progress(number + 1, len(image.layers))
            self._apply(number)

    def find(self, path: str, *, follow: bool = True) -> Node | None:
        """What is at `path`; with `follow`, what a link there leads to."""
        return self._walk(path, follow)[1]

    def resolve(self, path: str) -> str | None:
        """The path without links in it, or None when nothing is there."""
        where, node = self._walk(path, True)
        return "/" + "/".join(where) if node else None

    def children(self, path: str) -> Mapping[str, Node]:
        """What is in a folder, by name; nothing when there is no folder."""
        node = self.find(path)
        return (node and node.children) or {}

    def under(self, path: str) -> Iterator[tuple[str, Node]]:
        """Everything below a folder, folders before what is in them, sorted by name.

        Links are not followed. Paths are relative to the folder.
        """
        start = self.find(path)
        pending = [("", start)] if start else []
        while pending:
            prefix, node = pending.pop()
            if prefix:
                yield prefix, node
            for name, child in sorted((node.children or {}).items(), reverse=True):
                pending.append((f"{prefix}/{name}" if prefix else name, child))

    def read(self, path: str) -> bytes | None:
        """A small file's content; None when there is no regular file or it is large."""
        node = self.find(path)
        if not node or not node.content or node.content.size > SMALL:
            return None
        if node.content.kept is not None:
            return node.content.kept
        return next(stream.read() for _, stream in self.contents([node.content]))

    def head(self, path: str) -> bytes | None:
        """The first bytes of a file; None when there is no regular one."""
        node = self.find(path)
        if not node or not node.content:
            return None
        return next(stream.read(_HEAD) for _, stream in self.contents([node.content]))

    def text(self, path: str) -> str | None:
        """`read`, as text; None also for what is not."""
        content = self.read(path)
        if content is None or b"\0" in content:
            return None
        return content.decode("utf-8", "replace")

    def contents(self, wanted: Collection[Content]) -> Iterator[tuple[Content, IO[bytes]]]:
        """The streams of many files in the order they are stored, each to be read before the next.

        Reads each layer that holds some once. Raises ImageError for a damaged one.
        """
        by_place = {(content.layer, content.position): content for content in wanted}
        for layer in sorted({layer for layer, _ in by_place}):
            self._reads += 1
            if self._reads > _MOST_READS:
                raise ImageError(f"its files would have to be read more than {_MOST_READS} times")
            last = max(position for number, position in by_place if number == layer)
            with self._tar(layer) as (tar, _):
                for position, member in enumerate(members(tar)):
                    if content := by_place.get((layer, position)):
                        stream = tar.extractfile(member)
                        assert stream is not None
                        yield content, stream
                    if position == last:
                        break

    def _walk(self, path: str, follow: bool) -> tuple[list[str], Node | None]:
        trail: list[tuple[str, Node]] = []
        pending = _parts(path)[::-1]
        links = 0
        while pending:
            part = pending.pop()
            if part == "..":
                del trail[-1:]
                continue
            above = trail[-1][1] if trail else self.root
            node = (above.children or {}).get(part)
            if node is None:
                return [], None
            if node.is_link and (pending or follow):
                links += 1
                if links > _MOST_LINKS:
                    return [], None
                if node.link.startswith("/"):
                    trail.clear()
                pending += _parts(node.link)[::-1]
                continue
            trail.append((part, node))
        return [name for name, _ in trail], trail[-1][1] if trail else self.root

    @contextmanager
    def _tar(self, layer: int) -> Iterator[tuple[tarfile.TarFile, Hashed]]:
        descriptor = self.image.layers[layer]
        if not self.image.layout.has(descriptor):
            raise ImageError(f"layer {layer + 1} ({descriptor.digest}) is missing; get it again")
        file = self.image.layout.path(descriptor.digest)
        with damage(f"layer {layer + 1} ({descriptor.digest})"), decompressed(file) as plain:
            hashed = Hashed(plain)
            with open_tar(hashed) as tar:
                yield tar, hashed

    def _apply(self, number: int) -> None:
        """Put a layer on top: first what it takes away, then what it brings."""
        added: list[tuple[str, Node | str]] = []
        removed: list[str] = []
        with self._tar(number) as (tar, hashed):
            for position, member in enumerate(members(tar)):
                self._count(1, len(member.name) + len(member.linkname))
                parts = _safe_parts(member.name, number)
                if parts and parts[-1].startswith(_WHITEOUT):
                    removed.append(member.name)
                elif parts or member.isdir():
                    added.append((member.name, self._node(tar, member, number, position)))
            if hashed.rest() != self.image.diff_ids[number]:
                raise ImageError(
                    f"layer {number + 1} is not what the image's configuration says; get it again"
                )
        for name in removed:
            self._take_away(_parts(name))
        for name, node in added:
            self._add(_parts(name), node, number)

    def _count(self, entries: int, names: int = 0) -> None:
        self._entries += entries
        self._names += names
        if self._entries > _MOST_ENTRIES or self._names > _MOST_NAMES:
            raise ImageError(
                f"the image has more than {_MOST_ENTRIES:,} entries, or names too long for them; "
                "leave out of it what its editor does not need"
            )

    def _node(
        self, tar: tarfile.TarFile, member: tarfile.TarInfo, layer: int, position: int
    ) -> Node | str:
        """The entry; of a hard link, the path it is another name of."""
        if member.islnk():
            return member.linkname
        mode, owner = stat.S_IMODE(member.mode), (member.uid, member.gid)
        if member.isdir():
            return _folder(mode, *owner)
        if member.issym():
            return Node(stat.S_IFLNK | mode, *owner, link=member.linkname)
        if member.isreg():
            content = Content(layer, position, member.size, self._kept(tar, member))
            return Node(stat.S_IFREG | mode, *owner, content=content)
        return Node(stat.S_IFIFO | mode, *owner)  # or a device: nobody opens either

    def _kept(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes | None:
        path = "/" + "/".join(_parts(member.name))
        if member.size > min(SMALL, self._room) or not self._keep(path):
            return None
        self._room -= member.size
        stream = tar.extractfile(member)
        assert stream is not None
        return stream.read()

    def _parent(self, parts: list[str], layer: int) -> Node:
        """The folder for an entry, through links as a container engine unpacks; made if missing."""
        node = self.root
        for depth, part in enumerate(parts, start=1):
            children = node.children
            assert children is not None
            entry = children.get(part)
            is_link = entry is not None and entry.is_link
            path = "/" + "/".join(parts[:depth]) if is_link else ""
            folder = self.find(path) if is_link else entry
            if folder is None or not folder.is_folder:
                if is_link:
                    raise ImageError(
                        f"layer {layer + 1} writes through the link {path}, which leads to no "
                        "folder; the image is damaged"
                    )
                self._count(1)
                folder = children[part] = _folder()
            node = folder
        return node

    def _add(self, parts: list[str], node: Node | str, layer: int) -> None:
        if not parts:
            assert isinstance(node, Node)
            self.root.mode = node.mode
            return
        children = self._parent(parts[:-1], layer).children
        assert children is not None
        if isinstance(node, str):
            target = self.find("/" + "/".join(_safe_parts(node, layer)), follow=False)
            if target is None or target.is_folder:
                raise ImageError(
                    f"layer {layer + 1} links /{'/'.join(parts)} to {node}, which is no file; "
                    "the image is damaged"
                )
            node = target
        elif node.is_folder and (old := children.get(parts[-1])) and old.is_folder:
            node.children = old.children
        children[parts[-1]] = node

    def _take_away(self, parts: list[str]) -> None:
        name = parts.pop()
        folder = self.find("/" + "/".join(parts))
        if folder is None or folder.children is None:
            return
        if name == _OPAQUE:
            folder.children.clear()
        else:
            folder.children.pop(name.removeprefix(_WHITEOUT), None)


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _safe_parts(path: str, layer: int) -> list[str]:
    parts = _parts(path)
    if ".." in parts:
        raise ImageError(
            f"layer {layer + 1} has the path {path!r}, which leads out of the image; "
            "do not trust where it comes from"
        )
    return parts
