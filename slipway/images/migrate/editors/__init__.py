"""The editors that can be migrated. A new kind is a new module here; nothing lists them."""

from importlib import import_module
from pkgutil import iter_modules

from slipway.images.migrate.editors.base import Editor, Report, Seed
from slipway.images.migrate.inside import Inside
from slipway.images.oci.descriptors import ImageError

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

EDITORS: dict[str, type[Editor]] = {kind.kind: kind for kind in Editor.__subclasses__()}
"""By the `kind` of their app."""
_OTHERS = ("openvscode-server", "theia")
"""What is recognised: Slipway has no app kind for it."""

__all__ = ["EDITORS", "Editor", "Report", "Seed", "find_editor"]


def find_editor(inside: Inside, wanted: str) -> tuple[type[Editor], str]:
    """The editor kind and its program; `wanted` is one of EDITORS or `auto`.

    Raises ImageError when there is none, or more than one and nobody said which.
    """
    kinds = EDITORS if wanted == "auto" else {wanted: EDITORS[wanted]}
    candidates = [(kind, path) for kind in kinds.values() if (path := kind.detect(inside))]
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        names = " and ".join(kind.kind for kind, _ in candidates)
        raise ImageError(f"the image has {names}; choose one with --app")
    for command in _OTHERS:
        if path := inside.on_path(command) or next(inside.programs(command), None):
            raise ImageError(
                f"the image has {command} ({path}), for which Slipway has no app kind; install "
                "code-server in it, or write an app of kind `command` into the catalog"
            )
    looked = " or ".join(kinds)
    raise ImageError(
        f"there is no {looked} in the image; install it there, or build on Slipway's own images "
        "with a Dockerfile in images/"
    )
