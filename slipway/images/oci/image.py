"""One image for one platform: its manifest, configuration and layers, checked to fit together."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, StringConstraints, ValidationError

from slipway.images.oci.descriptors import (
    CONFIG,
    DOCKER_CONFIG,
    INDEXES,
    MANIFESTS,
    OCI_LAYERS,
    SHA256,
    Descriptor,
    ImageError,
    Platform,
    platform_here,
)
from slipway.images.oci.layout import DEPTH, Layout

MOST_LAYERS = 500
"""As many as Linux lays over each other."""


class _RootFs(BaseModel):
    diff_ids: list[Annotated[str, StringConstraints(pattern=rf"^{SHA256.pattern}$")]]


class _Settings(BaseModel):
    User: str | None = None
    Env: list[str] | None = None
    Entrypoint: list[str] | None = None
    Cmd: list[str] | None = None
    WorkingDir: str | None = None
    ExposedPorts: dict[str, Any] | None = None
    Labels: dict[str, str] | None = None


class HistoryItem(BaseModel):
    """What made a layer, or (`empty_layer`) only changed the configuration."""

    created_by: str | None = None
    empty_layer: bool | None = None


class _Layered(BaseModel):
    rootfs: _RootFs


class _Made(BaseModel):
    history: list[HistoryItem] | None = None


class _Config(_Layered, _Made):
    """What is relied on of a configuration; there may be more in it.

    https://github.com/opencontainers/image-spec/blob/main/config.md
    """

    architecture: str
    os: str
    variant: str | None = None
    config: _Settings | None = None


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
    if len(layers) > MOST_LAYERS:
        raise ImageError(f"the image has {len(layers):,} layers; no engine runs so many")
    for layer in layers:
        _check_layer(layer)
    config = layout.json(config_at)
    with _damage():
        _Config.model_validate(config)
    image = Image(layout, descriptor, config, tuple(layers), diff_ids(config))
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
    for _ in range(DEPTH):
        if image.media_type not in INDEXES:
            return image
        offered = layout.children(image)
        wanted = wanted or platform_here()
        fitting = [d for d in offered if d.platform and fits(d.platform, wanted)]
        # An index of one image often says no platform; its configuration does.
        single = offered if len(offered) == 1 and not offered[0].platform else []
        if not (fitting or single):
            names = _listed(d.platform for d in offered)
            raise ImageError(f"the image is not for {wanted} but for {names}; say --platform")
        image = (fitting or single)[0]
    raise ImageError(f"{image.digest} is an index in an index, too many times over")


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


def diff_ids(config: Any) -> tuple[str, ...]:
    """The digests of an image's layers as tar. Raises ImageError for a damaged configuration."""
    with _damage():
        return tuple(_Layered.model_validate(config).rootfs.diff_ids)


def history(config: Any) -> list[HistoryItem]:
    """Raises ImageError for a damaged configuration."""
    with _damage():
        return _Made.model_validate(config).history or []


@contextmanager
def _damage() -> Iterator[None]:
    try:
        yield
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"])) or "all of it"
        raise ImageError(
            f"its configuration is not an image's ({where}); the image is damaged"
        ) from None
