"""What is known of an image that was built: a JSON file each, for scripts and releases."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from slipway import files
from slipway.images.oci.descriptors import Descriptor
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


def layers(store: Layout, image: Descriptor) -> dict[str, tuple[Layer, ...]]:
    """By platform, the layers of an image or of all that an index has. Raises ImageError."""
    return {name: _layers(store, one) for name, one in store.platforms(image).items()}


def _layers(store: Layout, image: Descriptor) -> tuple[Layer, ...]:
    config_at, *found = store.children(image)
    config = store.json(config_at)
    steps = [step for step in config.get("history", []) if not step.get("empty_layer")]
    made_by = [_readable(step.get("created_by", "")) for step in steps]
    made_by += [""] * (len(found) - len(made_by))
    return tuple(
        Layer(layer.digest, layer.size, how) for layer, how in zip(found, made_by, strict=False)
    )


def _readable(created_by: str) -> str:
    """Without what every builder puts around the line of the Dockerfile."""
    text = created_by.replace("/bin/sh -c #(nop) ", "").replace("/bin/sh -c ", "RUN ")
    text = re.sub(r"^\|\d+ (\w+=\S* )*", "", text.partition(" # buildkit")[0])
    return " ".join(text.split())
