"""Versions of releases in their order: https://semver.org/#spec-item-11."""

from collections.abc import Iterable

from semver import Version

from slipway.facts import release_file

MOST = 60
"""Characters: a version becomes the value of a Kubernetes label, which also takes no `+`."""


def parse(version: str) -> Version:
    """The version, which can be compared. Raises ValueError for what is none."""
    try:
        found = Version.parse(version)
        if version.isascii() and len(version) <= MOST and found.build is None:
            return found
    except ValueError:
        pass
    raise ValueError(f"{version!r} is not a version: write for example 1.2.0 or 1.2.0-rc.1")


def in_order(versions: Iterable[str]) -> list[str]:
    """The oldest first; what is no version, by its text before them."""
    parsed: dict[str, Version] = {}
    others = []
    for text in versions:
        try:
            parsed[text] = parse(text)
        except ValueError:
            others.append(text)
    return [*sorted(others), *sorted(parsed, key=parsed.__getitem__)]


def newest(versions: Iterable[str]) -> str | None:
    return next(reversed(in_order(versions)), None)


def problem(version: str, existing: Iterable[str]) -> str | None:
    """Why a new release cannot be called `version`, if it cannot."""
    try:
        wanted = parse(version)
    except ValueError as error:
        return str(error)
    last = newest(existing)
    if version in existing:
        file = release_file(version)
        return f"{file} exists: a release never changes, choose a new version"
    if last and wanted <= parse(last):
        return f"{version} is not newer than {last}: choose a higher version"
    return None
