"""One migration from end to end."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.facts import CATALOG_FILE
from slipway.images.migrate import entry
from slipway.images.migrate.derive import derive, jupyter_image
from slipway.images.migrate.examine import ExaminedImage, examine
from slipway.images.migrate.inside import Inside, worth_keeping
from slipway.images.migrate.layers import write_layer
from slipway.images.oci.descriptors import Descriptor, ImageError, Platform, platform_here
from slipway.images.oci.filesystem import FileSystem
from slipway.images.oci.image import load_image
from slipway.images.oci.layout import Layout
from slipway.images.registry.reference import Reference
from slipway.images.registry.registry import Registry
from slipway.images.registry.transfer import export_archive, import_archive, pull, push
from slipway.installation import STORE
from slipway.model.catalog import Catalog
from slipway.settings.server import IN_IMAGE, server_config

Progress = Callable[[str], None]


@dataclass(frozen=True)
class MigrationOptions:
    """What to do, as the command line says it."""

    image: str
    app: str = "auto"
    name: str | None = None
    platform: Platform | None = None
    add_user: bool = False
    output: Path | None = None
    push: str | None = None
    write: bool = False


@dataclass(frozen=True)
class Migrated:
    name: str
    digest: str
    found: ExaminedImage
    entries: entry.Entries

    def as_json(self) -> dict[str, Any]:
        return {
            "found": self.found.as_json(),
            "image": self.name,
            "digest": self.digest,
            "catalog": self.entries,
        }


def read_image(
    root: Path, options: MigrationOptions, progress: Progress
) -> tuple[Layout, ExaminedImage]:
    """The project's store, and what is in the image.

    Raises ImageError with the reason when it cannot be migrated.
    """
    store = Layout(root / STORE)
    progress(f"getting {options.image}")
    layout, descriptor = _open(options.image, store, options.platform)
    image = load_image(layout, descriptor, options.platform)
    files = FileSystem(
        image, worth_keeping, lambda number, of: progress(f"reading layer {number} of {of}")
    )
    return store, examine(Inside(files), options.app, add_user=options.add_user)


def migrate(
    root: Path,
    options: MigrationOptions,
    store: Layout,
    image: ExaminedImage,
    catalog: Catalog,
    progress: Progress,
) -> Migrated:
    """Make the new image and put it where it is wanted. Raises ImageError and OSError."""
    jupyter = jupyter_image(store, image.inside.image)
    name = entry.image_name(options.name or entry.name_for(options.image), catalog)
    progress("adding Jupyter")
    entries = entry.entries(catalog, name, image.editor, image.home, name)
    config = server_config(entry.with_entries(catalog, entries).apps_of(name), IN_IMAGE)
    new = derive(store, image.inside.image, jupyter, write_layer(store, image, config))
    known = entry.with_digest(catalog, new.digest)
    if known:
        # The same image again, perhaps to push it now: it has its entries.
        entries = {block: {} for block in entries} | {"images": {known: entries["images"][name]}}
        name = known
    store.tag(name, new)
    reference = _deliver(store, new, name, options, progress)
    entries["images"][name]["reference"] = reference
    if options.write:
        progress(f"writing {CATALOG_FILE}")
        if not known:
            entry.write(root, entries)
        elif options.push:
            entry.repoint(root, known, reference)
    return Migrated(name, new.digest, image, entries)


def _deliver(
    store: Layout, image: Descriptor, name: str, options: MigrationOptions, progress: Progress
) -> str:
    """Put the image where it is wanted. Returns its reference, with its digest."""
    if options.output:
        progress(f"writing {options.output}")
        export_archive(store, image, f"{name}:latest", options.output)
    if not options.push:
        return f"{name}@{image.digest}"
    progress(f"pushing {options.push}")
    target = Reference.parse(options.push)
    with Registry(target) as registry:
        push(store, image, [target], registry)
    return f"{target.name}@{image.digest}"


def _open(text: str, store: Layout, platform: Platform | None) -> tuple[Layout, Descriptor]:
    """The layout that holds the image, and the image or index in it.

    `text` is a path, with `:NAME` for one of several images, or a reference in a registry. Archives
    and what is pulled are kept in `store`. Raises ImageError and OSError.
    """
    path, name = Path(text), ""
    if not path.exists():
        before, _, name = text.rpartition(":")
        path = Path(before or text)
    if path.is_dir():
        return _open_folder(path, name)
    if path.exists():
        return store, import_archive(path, store, name, platform or platform_here())
    if stored := store.resolve(text):
        return store, stored
    if text.startswith((".", "/", "~")) or text.endswith((".tar", ".tgz", ".gz")):
        raise ImageError(f"there is no file or folder {text}")
    # Of an index only what is wanted: the others would be downloaded for nothing.
    return store, pull(Reference.parse(text), store, platform or platform_here())


def _open_folder(folder: Path, name: str) -> tuple[Layout, Descriptor]:
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
