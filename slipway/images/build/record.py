"""What is known of an image that was built: a JSON file each, for scripts and releases."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from slipway import files
from slipway.facts import WORKING_TREE
from slipway.images.build.context import BuildRequest
from slipway.images.build.recipes import Recipe
from slipway.images.oci.descriptors import Descriptor, Platform
from slipway.images.oci.image import history
from slipway.images.oci.layout import Layout


@dataclass(frozen=True)
class Layer:
    digest: str
    size: int
    """Compressed, in bytes."""
    made_by: str
    """The line of a Dockerfile, as far as the image remembers it."""


@dataclass(frozen=True)
class BuildRecord:
    name: str
    tag: str
    """Stands for everything the image is made of: equal content has an equal tag."""
    digest: str
    media_type: str
    size: int
    """Of the manifest or index, in bytes."""
    builder: str
    base: str | None
    """The outside image it starts from, by digest."""
    parents: Mapping[str, str]
    """Images of this project it is built on: names and digests."""
    arguments: Mapping[str, str]
    """Values for the Dockerfile's ARGs, from the catalog and the command line."""
    platforms: Mapping[str, tuple[Layer, ...]]
    """By platform, the layers from the lowest up."""
    sboms: Mapping[str, str] = field(default_factory=dict)
    """By platform, the file in `sbom` beside this with the bill of materials (CycloneDX)."""

    @property
    def descriptor(self) -> Descriptor:
        return Descriptor(self.media_type, self.digest, self.size)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Those of the first platform."""
        return next(iter(self.platforms.values()))

    @property
    def compressed_bytes(self) -> int:
        """What a node of the first platform pulls."""
        return sum(layer.size for layer in self.layers)

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"compressed_bytes": self.compressed_bytes}


_STORED = TypeAdapter(BuildRecord)


class BuildRecords:
    """The records of a folder, by image."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, image: str) -> Path:
        return self._folder / f"{image}.json"

    def read(self, image: str) -> BuildRecord | None:
        """None for an image that was never built, or whose record is of another version."""
        try:
            return _STORED.validate_json(self.path(image).read_bytes())
        except (OSError, ValueError):
            return None

    def write(self, record: BuildRecord) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        files.write(self.path(record.name), json.dumps(record.as_json(), indent=2) + "\n")

    def add(
        self, store: Layout, request: BuildRequest, image: Descriptor, tag: str, builder: str
    ) -> BuildRecord:
        """Name an image of `store` that was built now, and write what is known of it."""
        name = request.recipe.name
        for text in (tag, WORKING_TREE):
            store.tag(f"{name}:{text}", image)
        record = BuildRecord(
            name=name,
            tag=tag,
            digest=image.digest,
            media_type=image.media_type,
            size=image.size,
            builder=builder,
            base=request.base,
            parents={parent: built.digest for parent, built in request.parents.items()},
            arguments=request.recipe.arguments,
            platforms=layers(store, image),
        )
        self.write(record)
        return record


def is_current(recipe: Recipe, records: Mapping[str, BuildRecord], epoch: int) -> bool:
    """Whether the record of an image is that of its files as they are, on its parents' records.

    An outside image stays the one it was built on: whether its tag has moved is not asked.
    """
    record = records[recipe.name]
    recipe = replace(recipe, arguments={**record.arguments, **recipe.arguments})
    if recipe.arguments != record.arguments or (recipe.base is None) != (record.base is None):
        return False
    parents = {parent: records[parent].descriptor for parent in recipe.parents}
    platforms = tuple(map(Platform.parse, record.platforms))
    request = BuildRequest(recipe, record.base, parents, platforms, epoch)
    with request.assembled() as context:
        return request.tag(context) == record.tag


def layers(store: Layout, image: Descriptor) -> dict[str, tuple[Layer, ...]]:
    """By platform, the layers of an image or of all that an index has. Raises ImageError."""
    images = store.platforms(image)
    return {platform: _layers(store, image) for platform, image in images.items()}


def _layers(store: Layout, image: Descriptor) -> tuple[Layer, ...]:
    config, *layers = store.children(image)
    steps = history(store.json(config))
    made_by = [_readable(step.created_by or "") for step in steps if not step.empty_layer]
    made_by += [""] * (len(layers) - len(made_by))
    pairs = zip(layers, made_by, strict=False)
    return tuple(Layer(layer.digest, layer.size, step) for layer, step in pairs)


def _readable(created_by: str) -> str:
    """Without what every builder puts around the line of the Dockerfile."""
    text = created_by.replace("/bin/sh -c #(nop) ", "").replace("/bin/sh -c ", "RUN ")
    text = re.sub(r"^\|\d+ (\w+=\S* )*", "", text.partition(" # buildkit")[0])
    return " ".join(text.split())
