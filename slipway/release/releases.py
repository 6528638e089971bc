"""`releases/<version>.yaml`, each written once, and the order of versions."""

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import yaml
from semver import Version

from slipway import files
from slipway.facts import RELEASES_FOLDER, release_file
from slipway.model import InvalidProject, Release
from slipway.model.document import parse
from slipway.model.project import load_release
from slipway.model.references import unknown

LONGEST_VERSION = 60
"""Characters: a version becomes the value of a Kubernetes label, which also takes no `+`."""
_HEAD = """\
# yaml-language-server: $schema=../schemas/release.json
# Written by `slipway release`. Never edited: `digest` is that of all the rest.
"""


def existing(root: Path) -> list[str]:
    return sorted(file.stem for file in (root / RELEASES_FOLDER).glob("*.yaml"))


def read(root: Path, version: str) -> Release:
    """Read and check one release. Raises InvalidProject."""
    name = release_file(version)
    if not (root / name).is_file():
        message, hint = unknown("release", version, existing(root))
        raise InvalidProject.of_file(name, "", message, hint)
    return load_release(root, version)


def write(root: Path, release: Release) -> Release:
    """Write a release that has no file yet, and read it again. Raises FileExistsError."""
    target, content = root / release_file(release.version), _text(release).encode()
    target.parent.mkdir(exist_ok=True)
    with files.creating(target) as file:
        file.write(content)
    return read(root, release.version)


def _text(release: Release) -> str:
    """The catalog in its own order, which users see, all else sorted."""
    content = _plain(release)
    again = Release.model_validate(parse(_dump(content).encode(), "").data)
    assert _plain(again) == content, "YAML gives back what it was given"
    written = _dump({"digest": again.content_digest(), **content})
    return f"{_HEAD}{written}"


def _plain(release: Release) -> dict[str, Any]:
    """The content without its digest, for YAML: unset fields of the catalog are left out."""
    content = release.model_dump(mode="json", exclude={"digest", "catalog"})
    catalog = release.catalog.model_dump(mode="json", exclude_unset=True)
    return {name: _sorted(content[name]) for name in sorted(content)} | {"catalog": catalog}


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return value


class _Dumper(yaml.SafeDumper):
    """Without anchors: each line says what it says."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _dump(content: dict[str, Any]) -> str:
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


def parse_version(version: str) -> Version:
    """The version, which can be compared as https://semver.org/#spec-item-11 says.

    Raises ValueError for what is none.
    """
    try:
        semver = Version.parse(version)
        if version.isascii() and len(version) <= LONGEST_VERSION and semver.build is None:
            return semver
    except ValueError:
        pass
    raise ValueError(f"{version!r} is not a version: write for example 1.2.0 or 1.2.0-rc.1")


def sorted_versions(versions: Iterable[str]) -> list[str]:
    """The oldest first; what is no version, by its text before them."""
    parsed: dict[str, Version] = {}
    others = []
    for text in versions:
        try:
            parsed[text] = parse_version(text)
        except ValueError:
            others.append(text)
    return [*sorted(others), *sorted(parsed, key=parsed.__getitem__)]


def newest(versions: Iterable[str]) -> str | None:
    return next(reversed(sorted_versions(versions)), None)


def version_problem(version: str, others: Collection[str]) -> str | None:
    """Why a new release cannot be called `version`, if it cannot."""
    try:
        wanted = parse_version(version)
    except ValueError as error:
        return str(error)
    last = newest(others)
    if version in others:
        file = release_file(version)
        return f"{file} exists: a release never changes, choose a new version"
    if last and wanted <= parse_version(last):
        return f"{version} is not newer than {last}: choose a higher version"
    return None
