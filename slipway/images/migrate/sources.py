"""Where an image to migrate is: a folder, an archive, the local store, or a registry."""

from pathlib import Path

from slipway.images.oci.descriptors import Descriptor, ImageError, Platform, platform_here
from slipway.images.oci.layout import Layout
from slipway.images.registry.reference import Reference
from slipway.images.registry.transfer import import_archive, pull


def open_source(text: str, store: Layout, platform: Platform | None) -> tuple[Layout, Descriptor]:
    """The layout that holds the image, and the image or index in it.

    `text` is a path, with `:NAME` for one of several images, or a reference in a registry. Archives
    and what is pulled are kept in `store`. Raises ImageError and OSError.
    """
    path, name = _path(text)
    if path and path.is_dir():
        return _from_folder(path, name)
    if path:
        return store, import_archive(path, store, name, platform or platform_here())
    if found := store.resolve(text):
        return store, found
    if text.startswith((".", "/", "~")) or text.endswith((".tar", ".tgz", ".gz")):
        raise ImageError(f"there is no file or folder {text}")
    # Of an index only what is wanted: the others would be downloaded for nothing.
    return store, pull(Reference.parse(text), store, platform or platform_here())


def _path(text: str) -> tuple[Path | None, str]:
    if Path(text).exists():
        return Path(text), ""
    before, _, name = text.rpartition(":")
    return (Path(before), name) if before and Path(before).exists() else (None, "")


def _from_folder(folder: Path, name: str) -> tuple[Layout, Descriptor]:
    if not (folder / "oci-layout").is_file() or not (folder / "index.json").is_file():
        raise ImageError(
            f"{folder} is not an OCI layout; name one, an archive of docker save, or an image in a "
            "registry"
        )
    layout = Layout(folder)
    images, names = layout.images(), layout.names()
    if len(images) == 1 and not name:
        return layout, images[0]
    if name in names:
        return layout, names[name]
    known = ", ".join(sorted(names)) or "images without a name"
    raise ImageError(f"{folder} holds {known}; say which: {folder}:NAME")
