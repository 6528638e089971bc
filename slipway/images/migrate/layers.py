"""The layer that Slipway puts on top of an image: its server's configuration, and new homes.

The same image makes the same layer: entries are in an order, without times, with fixed owners.
"""

import stat
import tarfile
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import IO, Any

from slipway.facts import JUPYTER_FOLDER, USER_ID
from slipway.images.migrate.editors import Seed
from slipway.images.migrate.examine import ExaminedImage
from slipway.images.oci.descriptors import Descriptor, encode
from slipway.images.oci.filesystem import Content, FileSystem, Node
from slipway.images.oci.layout import Layout
from slipway.images.oci.pack import entry, layer_writer, open_layer
from slipway.settings.server import FILE

SKEL = f"{JUPYTER_FOLDER}/share/slipway/skel"
"""`slipway_notebook.start.SKEL`: what a new home begins with."""
SERVER_CONFIG = f"{JUPYTER_FOLDER}/etc/jupyter/{FILE}"
RSTUDIO_MARKER = f"{JUPYTER_FOLDER}/rsession-proxy/enabled"
"""Makes jupyter-rsession-proxy visible: see images/jupyter/assemble/packages.sh."""


def write_layer(
    layout: Layout, found: ExaminedImage, server_config: Mapping[str, Any]
) -> tuple[Descriptor, str]:
    """Our layer as a blob of `layout`, and its diff_id. Raises ImageError and OSError."""
    files = {SERVER_CONFIG: encode(server_config), **found.editor.files()}
    if found.editor.kind == "rstudio":
        files[RSTUDIO_MARKER] = b""
    if found.accounts:
        files["/etc/passwd"], files["/etc/group"] = found.accounts
    nodes = dict(_home(found.inside.files, found))
    with layer_writer(layout) as writer:
        with open_layer(writer) as tar:
            for folder in _parents(files, found.inside.files):
                tar.addfile(folder)
            for path, content in sorted(files.items()):
                _add(tar, entry(path[1:], tarfile.REGTYPE, 0o644), len(content), BytesIO(content))
            _write_home(tar, found.inside.files, nodes)
        return writer.finish(), writer.diff_id


def _parents(files: Mapping[str, bytes], image: FileSystem) -> Iterator[tarfile.TarInfo]:
    """The folders of our files, but those the image has: their owners and modes are its own."""
    needed = {path[1:end] for path in [*files, f"{SKEL}/"] for end in _slashes(path) if path[1:end]}
    for path in sorted(needed):
        if image.find(f"/{path}") is None:
            yield entry(path, tarfile.DIRTYPE, 0o755)


def _slashes(path: str) -> list[int]:
    return [number for number, letter in enumerate(path) if letter == "/" and number]


def _home(files: FileSystem, found: ExaminedImage) -> Iterator[tuple[str, Node]]:
    """What a new home begins with, by its path in it. Nothing outside is followed."""
    for seed in (Seed(found.image_home, ""), *found.editor.seeds()):
        for folder in _slashes(f"{seed.target}/"):
            yield seed.target[:folder], Node(stat.S_IFDIR | 0o755, children={})
        for path, node in files.under(seed.source):
            # A socket or a device is of a process that is gone.
            if node.is_folder or node.is_file or node.is_link:
                yield f"{seed.target}/{path}".lstrip("/"), node


def _write_home(tar: tarfile.TarFile, files: FileSystem, nodes: Mapping[str, Node]) -> None:
    """Folders, then links, then files in the order in which the image's layers hold them."""
    places: dict[tuple[int, int], list[tuple[str, Node, Content]]] = {}
    for path, node in sorted(nodes.items(), key=lambda item: (not item[1].is_folder, item[0])):
        if node.content:
            place = (node.content.layer, node.content.position)
            places.setdefault(place, []).append((path, node, node.content))
            continue
        info = _entry(path, node)
        info.linkname = node.link
        tar.addfile(info)
    for content, stream in files.contents([names[0][2] for names in places.values()]):
        (path, node, _), *others = places[content.layer, content.position]
        _add(tar, first := _entry(path, node), content.size, stream)
        for name, other, _ in others:
            link = _entry(name, other)
            link.type, link.linkname = tarfile.LNKTYPE, first.name
            tar.addfile(link)


def _entry(path: str, node: Node) -> tarfile.TarInfo:
    """Owned by the user of servers, who must be able to copy it whatever its mode was."""
    kinds = {stat.S_IFDIR: tarfile.DIRTYPE, stat.S_IFLNK: tarfile.SYMTYPE}
    kind = kinds.get(stat.S_IFMT(node.mode), tarfile.REGTYPE)
    mode = node.mode & 0o777 | (0o500 if node.is_folder else 0o400)
    return entry(f"{SKEL[1:]}/{path}", kind, mode, USER_ID)


def _add(tar: tarfile.TarFile, info: tarfile.TarInfo, size: int, stream: IO[bytes]) -> None:
    info.size = size
    tar.addfile(info, stream)
