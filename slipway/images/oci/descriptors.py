"""Descriptors, manifests and configurations, and the media types they come in."""

import hashlib
import json
import platform
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from slipway.untrusted import parse_json

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
LAYER_ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER_GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip"
OCI_LAYERS = {
    "application/vnd.docker.image.rootfs.diff.tar": LAYER,
    DOCKER_LAYER_GZIP: LAYER_GZIP,
    "application/vnd.docker.image.rootfs.diff.tar.zstd": LAYER_ZSTD,
}
"""The OCI's types of layers by Docker's."""

INDEXES = (INDEX, DOCKER_INDEX)
MANIFESTS = (MANIFEST, DOCKER_MANIFEST)
SHA256 = re.compile(r"sha256:[0-9a-f]{64}")


class ImageError(Exception):
    """An image, an archive or a registry is not what it should be; the message has the remedy."""


class RegistryError(ImageError):
    """A registry does not answer, or refuses. Nothing is wrong with the image."""


class ImageNotFoundError(ImageError):
    """A registry does not have the image."""


@dataclass(frozen=True)
class Platform:
    os: str
    architecture: str
    variant: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """`linux/amd64` or `linux/arm/v7`. Raises ValueError."""
        parts = text.split("/")
        if len(parts) not in (2, 3) or not all(parts):
            raise ValueError(f"{text!r} is not a platform; write for example linux/amd64")
        return cls(*parts)

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


@dataclass(frozen=True)
class Descriptor:
    """What names a blob: `digest` is `sha256:…`, `size` is in bytes."""

    media_type: str
    digest: str
    size: int
    platform: Platform | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Raises ImageError for what is not a descriptor."""
        try:
            kind, digest, size, runs_on = value["mediaType"], value["digest"], value["size"], None
            annotations = {**(value.get("annotations") or {})}
            texts = [kind, *annotations, *annotations.values()]
            if named := value.get("platform"):
                runs_on = Platform(named["os"], named["architecture"], named.get("variant") or "")
                texts += [runs_on.os, runs_on.architecture, runs_on.variant]
            is_text = all(isinstance(text, str) for text in texts)
            if is_text and SHA256.fullmatch(digest) and type(size) is int and 0 <= size < 2**63:
                return cls(kind, digest, size, runs_on, annotations)
        except (KeyError, TypeError, AttributeError):
            pass
        raise ImageError(f"{str(value)[:200]} is not a descriptor; the image is damaged")

    def as_json(self) -> dict[str, Any]:
        value: dict[str, Any] = {
            "mediaType": self.media_type,
            "digest": self.digest,
            "size": self.size,
        }
        if self.platform:
            fields = asdict(self.platform)
            value["platform"] = {name: text for name, text in fields.items() if text}
        if self.annotations:
            value["annotations"] = dict(self.annotations)
        return value


def digest_of(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def media_type_of(manifest: bytes) -> str:
    """What kind of manifest it is, also where it does not say so itself; "" for none."""
    try:
        value = parse_json(manifest)
        if value.get("schemaVersion") == 1:
            return SCHEMA_1
        if "manifests" in value:
            return str(value.get("mediaType", INDEX))
        docker = value["config"]["mediaType"] == DOCKER_CONFIG
        return str(value.get("mediaType", DOCKER_MANIFEST if docker else MANIFEST))
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""


def index_entries(index: bytes) -> list[Descriptor]:
    """What an index names. Raises ImageError."""
    try:
        return [*map(Descriptor.from_json, parse_json(index)["manifests"])]
    except (ValueError, KeyError, TypeError):
        raise ImageError("an index of images is damaged; get it again") from None


def encode(value: Any) -> bytes:
    """JSON in one form only, so that equal content has one digest."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def manifest_of(
    config: Descriptor, layers: Iterable[Descriptor], media_type: str = MANIFEST
) -> bytes:
    """The manifest of an image."""
    return encode(
        {
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": config.as_json(),
            "layers": [layer.as_json() for layer in layers],
        }
    )


def index_of(manifests: Iterable[Mapping[str, Any]]) -> bytes:
    """An index of these descriptors, each as JSON has it."""
    return encode({"schemaVersion": 2, "mediaType": INDEX, "manifests": list(manifests)})


def platform_here() -> Platform:
    """What containers on this machine run: Linux on its processor, also on a Mac."""
    machine = platform.machine().lower()
    return Platform("linux", {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine))
