"""The layer that Slipway puts on top of an image: its server's configuration, and new homes.

The same image makes the same layer: entries are in an order, without times, with fixed owners.
"""

import stat
import tarfile
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import PurePosixPath
from typing import IO, Any, cast

from slipway.facts import JUPYTER_FOLDER, USER_ID
from slipway.images.migrate.editors import Seed
from slipway.images.migrate.examine import ExaminedImage
from slipway.images.oci.descriptors import Descriptor, encode
from slipway.images.oci.filesystem import Content, FileSystem, Node
from slipway.images.oci.layout import Layout
from slipway.images.oci.pack import layer_writer
from slipway.images.oci.streams import CHUNK
from slipway.settings.server import FILE

SKEL = f"{JUPYTER_FOLDER}/share/slipway/skel"
"""`slipway_notebook.start.SKEL`: what a new home begins with."""
SERVER_CONFIG = f"{JUPYTER_FOLDER}/etc/jupyter/{FILE}"
RSTUDIO_MARKER = f"{JUPYTER_FOLDER}/rsession-proxy/enabled"
"""Makes jupyter-rsession-proxy visible: see images/jupyter/assemble/packages.sh."""


def write_layer(
    layout: Layout, image: ExaminedImage, server_config: Mapping[str, Any]
) -> tuple[Descriptor, str]:
    """Our layer as a blob of `layout`, and its diff_id. Raises ImageError and OSError."""
    files = {SERVER_CONFIG: encode(server_config), **image.editor.files}
    if image.editor.kind == "rstudio":
        files[RSTUDIO_MARKER] = b""
    if image.accounts:
        files["/etc/passwd"], files["/etc/group"] = image.accounts
    nodes = dict(_home(image))
    with layer_writer(layout) as writer:
        stream, form = cast(IO[bytes], writer), tarfile.PAX_FORMAT
        with tarfile.open(fileobj=stream, mode="w|", format=form, bufsize=CHUNK) as tar:
            for folder in _parents(files, image.inside.files):
                tar.addfile(folder)
            for path, content in sorted(files.items()):
                info = _entry(path[1:], tarfile.REGTYPE, 0o644)
                info.size = len(content)
                tar.addfile(info, BytesIO(content))
            _write_home(tar, image.inside.files, nodes)
        return writer.finish(), writer.diff_id


def _parents(files: Mapping[str, bytes], image: FileSystem) -> Iterator[tarfile.TarInfo]:
    """The folders of our files, but those the image has: their owners and modes are its own."""
    needed = {folder for path in [*files, f"{SKEL}/-"] for folder in _folders(path)}
    for path in sorted(needed):
        if image.find(path) is None:
            yield _entry(path[1:], tarfile.DIRTYPE, 0o755)


def _folders(path: str) -> list[str]:
    """All that a path is in, but for the root."""
    return [str(folder) for folder in PurePosixPath(path).parents if folder.name]


def _home(image: ExaminedImage) -> Iterator[tuple[str, Node]]:
    """What a new home begins with, by its path in it. Nothing outside is followed."""
    for seed in (Seed(image.image_home, ""), *image.editor.seeds):
        for folder in _folders(f"{seed.target}/-"):
            yield folder, Node(stat.S_IFDIR | 0o755, children={})
        for path, node in image.inside.files.under(seed.source):
            # A socket or a device is of a process that is gone.
            if node.is_folder or node.is_file or node.is_link:
                yield f"{seed.target}/{path}".lstrip("/"), node


def _write_home(tar: tarfile.TarFile, files: FileSystem, nodes: Mapping[str, Node]) -> None:
    """Folders, then links, then files in the order in which the image's layers hold them."""
    names: dict[Content, list[tarfile.TarInfo]] = {}
    for path, node in sorted(nodes.items(), key=lambda item: (not item[1].is_folder, item[0])):
        if node.content:
            names.setdefault(node.content, []).append(_home_entry(path, node))
        else:
            tar.addfile(_home_entry(path, node))
    for content, stream in files.contents(names):
        first, *others = names[content]
        first.size = content.size
        tar.addfile(first, stream)
        for link in others:
            link.type, link.linkname = tarfile.LNKTYPE, first.name
            tar.addfile(link)


def _home_entry(path: str, node: Node) -> tarfile.TarInfo:
    """Owned by the user of servers, who must be able to copy it whatever its mode was."""
    kinds = {stat.S_IFDIR: tarfile.DIRTYPE, stat.S_IFLNK: tarfile.SYMTYPE}
    kind = kinds.get(stat.S_IFMT(node.mode), tarfile.REGTYPE)
    mode = node.mode & 0o777 | (0o500 if node.is_folder else 0o400)
    info = _entry(f"{SKEL[1:]}/{path}", kind, mode, USER_ID)
    info.linkname = node.link
    return info


def _entry(name: str, kind: bytes, mode: int, owner: int = 0) -> tarfile.TarInfo:
    """A tar entry that tells nothing of when and by whom it was made. `name` has no slash first."""
    info = tarfile.TarInfo(name)
    info.type, info.mode = kind, mode
    info.uid = info.gid = owner
    return info
