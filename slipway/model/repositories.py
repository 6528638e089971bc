"""Which images need a repository in ECR, whatever an environment pins today."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from slipway.facts import HUB_IMAGES
from slipway.model.base import NAME
from slipway.model.document import read
from slipway.model.problems import InvalidProject
from slipway.model.release import Release, built_here


def built_anywhere(
    catalog: Path, releases: Iterable[Path], known: Mapping[str, Release]
) -> tuple[str, ...]:
    """Every image that the catalog or a release builds: a promotion copies before it pins, and a
    rollback finds what it left.

    `known` are releases that were read already. Of the others only names are, so that they may be
    written for a newer Slipway. A catalog that is no YAML has none: what is pinned does not wait
    for it. Raises InvalidProject for a release that is none.
    """
    names = dict.fromkeys(HUB_IMAGES)
    with suppress(InvalidProject):
        names |= dict.fromkeys(_names(read(catalog, catalog.name).data))
    for file in releases:
        if release := known.get(file.stem):
            names |= dict.fromkeys(built_here(release.catalog))
        else:
            data = read(file, f"{file.parent.name}/{file.name}").data
            names |= dict.fromkeys(_names(_mapping(data).get("catalog")))
    return tuple(names)


def _names(catalog: Any) -> Iterator[str]:
    for name, image in _mapping(_mapping(catalog).get("images")).items():
        if re.fullmatch(NAME, name) and not _mapping(image).get("reference"):
            yield name


def _mapping(data: Any) -> dict[str, Any]:
    return data if isinstance(data, dict) else {}
