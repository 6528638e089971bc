"""One image for one platform: its manifest, configuration and layers, checked to fit together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from slipway.images.oci.descriptors import (
    CONFIG,
    DOCKER_CONFIG,
    INDEXES,
    MANIFESTS,
    OCI_LAYERS,
    Descriptor,
    ImageError,
    Platform,
    platform_here,
)
from slipway.images.oci.layout import Layout


class _RootFs(BaseModel):
    diff_ids: list[str]


class _Settings(BaseModel):
    User: str | None = None
    Env: list[str] | None = None
    Entrypoint: list[str] | None = None
    Cmd: list[str] | None = None
    WorkingDir: str | None = None
    ExposedPorts: dict[str, Any] | None = None
    Labels: dict[str, str] | None = None


class _Config(BaseModel):
    """What is relied on of a configuration; there may be more in it.

    https://github.com/opencontainers/image-spec/blob/main/config.md
    """

    architecture: str
    os: str
    variant: str | None = None
    config: _Settings | None = None
    rootfs: _RootFs
    history: list[dict[str, Any]] | None = None


@dataclass(frozen=True)
class Image:
    """`layers` are compressed as they came, lowest first; `diff_ids` are their digests as tar."""

    layout: Layout
    descriptor: Descriptor
    config: Mapping[str, Any]
    layers: tuple[Descriptor, ...]
    diff_ids: tuple[str, ...]

    @property
    def platform(self) -> Platform:
        config = self.config
        return Platform(config["os"], config["architecture"], config.get("variant") or "")

    @property
    def settings(self) -> Mapping[str, Any]:
        """`User`, `Env`, `Entrypoint`, …: how a container of the image is run."""
        return self.config.get("config") or {}


def load_image(layout: Layout, top: Descriptor, wanted: Platform | None = None) -> Image:
    """The image that `top` describes; of an index, the one for `wanted` or else this machine.

    Raises ImageError with what to do about it.
    """
    descriptor = for_platform(layout, top, wanted)
    if "distribution.manifest.v1+" in descriptor.media_type:
        raise ImageError(
            "the image has a manifest of schema 1, which is no longer in use; pull and push "
            "it once with a current docker or podman"
        )
    if descriptor.media_type not in MANIFESTS:
        raise ImageError(f"{descriptor.media_type} is not the type of an image's manifest")
    config_at, *layers = layout.children(descriptor)
    if config_at.media_type not in (CONFIG, DOCKER_CONFIG):
        raise ImageError(f"it is not a container image but {config_at.media_type}; name an image")
    for layer in layers:
        _check_layer(layer)
    config = layout.json(config_at)
    image = Image(layout, descriptor, config, tuple(layers), _diff_ids(config))
    if len(image.layers) != len(image.diff_ids):
        raise ImageError(
            f"its manifest has {len(image.layers)} layers and its configuration "
            f"{len(image.diff_ids)}; the image is damaged"
        )
    if wanted and not fits(image.platform, wanted):
        raise ImageError(f"the image is for {image.platform}, not for {wanted}")
    return image


def for_platform(layout: Layout, image: Descriptor, wanted: Platform | None) -> Descriptor:
    """Of an index, the image for `wanted` or else this machine. Raises ImageError."""
    while image.media_type in INDEXES:
        offered = layout.children(image)
        wanted = wanted or platform_here()
        fitting = [d for d in offered if d.platform and fits(d.platform, wanted)]
        # An index of one image often says no platform; its configuration does.
        single = offered if len(offered) == 1 and not offered[0].platform else []
        if not (fitting or single):
            names = _listed(d.platform for d in offered)
            raise ImageError(f"the image is not for {wanted} but for {names}; say --platform")
        image = (fitting or single)[0]
    return image


def fits(offered: Platform, wanted: Platform) -> bool:
    """Whether an image for `offered` is one for `wanted`, whose variant may be left open (`v8`)."""
    same = (offered.os, offered.architecture) == (wanted.os, wanted.architecture)
    return same and wanted.variant in ("", offered.variant)


def _listed(platforms: Iterable[Platform | None]) -> str:
    # Attestations stand in an index as images for `unknown/unknown`.
    names = {str(p) for p in platforms if p and p.os != "unknown"}
    return ", ".join(sorted(names)) or "no platform at all"


def _check_layer(layer: Descriptor) -> None:
    kind = layer.media_type
    if "encrypted" in kind:
        raise ImageError("a layer is encrypted; decrypt the image first, for example with skopeo")
    if "foreign" in kind or "nondistributable" in kind:
        raise ImageError(
            "a layer may not be distributed (a Windows image?); there is no copy of it"
        )
    if kind not in (*OCI_LAYERS, *OCI_LAYERS.values()):
        raise ImageError(f"a layer is of the type {kind}, which is not a container image's")


def _diff_ids(config: Any) -> tuple[str, ...]:
    try:
        return tuple(_Config.model_validate(config).rootfs.diff_ids)
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"])) or "all of it"
        raise ImageError(
            f"its configuration is not an image's ({where}); the image is damaged"
        ) from None
