"""The programs that build images. A new one is a new module here; nothing lists them."""

from importlib import import_module
from operator import attrgetter
from pkgutil import iter_modules

from slipway.images.build.builders.base import Builder, BuildError
from slipway.images.oci.layout import Layout

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

KINDS = {kind.name: kind for kind in sorted(Builder.kinds, key=attrgetter("preference"))}
"""By the name that `--builder` takes, the preferred first."""

__all__ = ["KINDS", "BuildError", "Builder", "find"]


def find(store: Layout, wanted: str | None = None) -> Builder:
    """The wanted builder, or the first that is here. Raises BuildError that says how to get one."""
    if wanted is not None and wanted not in KINDS:
        raise BuildError(f"there is no builder {wanted!r}, there is {', '.join(KINDS)}")
    for name, kind in KINDS.items():
        if wanted in (None, name) and kind.is_installed():
            return kind(store)
    which = f"{wanted} is" if wanted else "docker buildx, buildah and podman are"
    raise BuildError(
        f"{which} not here: install one (Debian, Ubuntu: apt install buildah; Fedora: dnf install "
        "buildah; with Docker: docker buildx create --use)"
    )
