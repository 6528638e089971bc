"""Versions in their order: https://semver.org/#spec-item-11."""

import re
from collections.abc import Iterable
from typing import Any

_NUMBER = r"(0|[1-9][0-9]*)"
_PART = r"(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_VERSION = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-({_PART}(?:\.{_PART})*))?")
MOST = 60
"""Characters: a version becomes the value of a Kubernetes label."""


def key(version: str) -> tuple[Any, ...]:
    """What versions are sorted by. Raises ValueError for what is no semantic version."""
    match = _VERSION.fullmatch(version)
    if not match or len(version) > MOST:
        raise ValueError(f"{version!r} is not a version: write for example 1.2.0 or 1.2.0-rc.1")
    *numbers, before = match.groups()
    parts = [(not p.isdigit(), int(p) if p.isdigit() else 0, p) for p in (before or "").split(".")]
    return (*map(int, numbers), before is None, parts)


def in_order(versions: Iterable[str]) -> list[str]:
    """The oldest first; what is no version, by its text before them."""

    def place(version: str) -> tuple[Any, ...]:
        try:
            return True, key(version)
        except ValueError:
            return False, version

    return sorted(versions, key=place)


def newest(versions: Iterable[str]) -> str | None:
    return next(reversed(in_order(versions)), None)


def problem(version: str, existing: Iterable[str]) -> str | None:
    """Why a new release cannot be called `version`, if it cannot."""
    try:
        wanted = key(version)
    except ValueError as error:
        return str(error)
    last = newest(existing)
    if version in existing:
        return f"releases/{version}.yaml exists: a release never changes, choose a new version"
    if last and wanted <= key(last):
        return f"{version} is not newer than {last}: choose a higher version"
    return None
