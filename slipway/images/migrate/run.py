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
from slipway.images.migrate.sources import open_source
from slipway.images.oci.descriptors import Platform
from slipway.images.oci.filesystem import FileSystem
from slipway.images.oci.image import load_image
from slipway.images.oci.layout import Layout
from slipway.images.registry.reference import Reference
from slipway.images.registry.registry import Registry
from slipway.images.registry.transfer import export_archive, push
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


def look(root: Path, wanted: MigrationOptions, progress: Progress) -> tuple[Layout, ExaminedImage]:
    """Read the image. Raises ImageError with the reason when it cannot be migrated."""
    store = Layout(root / STORE)
    progress(f"getting {wanted.image}")
    layout, descriptor = open_source(wanted.image, store, wanted.platform)
    image = load_image(layout, descriptor, wanted.platform)

    def layers(done: int, of: int) -> None:
        if done < of:
            progress(f"reading layer {done + 1} of {of}")

    files = FileSystem(image, worth_keeping, layers)
    return store, examine(Inside(files), wanted.app, add_user=wanted.add_user)


def make(
    root: Path,
    wanted: MigrationOptions,
    store: Layout,
    found: ExaminedImage,
    catalog: Catalog,
    progress: Progress,
) -> Migrated:
    """Make the new image and put it where it is wanted. Raises ImageError and OSError."""
    jupyter = jupyter_image(store, found.inside.image)
    name = entry.image_name(wanted.name or entry.name_for(wanted.image), catalog)
    progress("adding Jupyter")
    new = entry.entries(catalog, name, found.editor, found.home, name)
    own = write_layer(store, found, server_config(_apps(catalog, new, name), IN_IMAGE))
    image = derive(store, found.inside.image, jupyter, own)
    if known := entry.with_digest(catalog, image.digest):
        # The same image again, perhaps to push it now: it has its entries.
        name, new = known, {block: {} for block in new} | {"images": {known: new["images"][name]}}
    store.tag(name, image)
    reference = f"{name}@{image.digest}"
    if wanted.output:
        progress(f"writing {wanted.output}")
        export_archive(store, image, f"{name}:latest", wanted.output)
    if wanted.push:
        progress(f"pushing {wanted.push}")
        target = Reference.parse(wanted.push)
        with Registry(target) as registry:
            push(store, image, [target], registry)
        reference = f"{target.name}@{image.digest}"
    new["images"][name]["reference"] = reference
    if wanted.write:
        progress(f"writing {CATALOG_FILE}")
        if not known:
            entry.write(root, new)
        elif wanted.push:
            entry.repoint(root, known, reference)
    return Migrated(name, image.digest, found, new)


def _apps(catalog: Catalog, new: entry.Entries, name: str) -> dict[str, Any]:
    """The image's apps as the model has them: those of the catalog and the new ones."""
    both = catalog.model_dump(exclude_unset=True, mode="python")
    both["apps"] = {**both["apps"], **new["apps"]}
    both["images"] = {**both["images"], name: new["images"][name]}
    return Catalog.model_validate(both, strict=False).apps_of(name)
