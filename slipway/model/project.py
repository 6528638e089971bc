"""A project folder: its catalog, platform, environments and releases, checked as a whole."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from slipway import facts
from slipway.facts import CATALOG_FILE, PLATFORM_FILE
from slipway.model import explain
from slipway.model.base import NAME
from slipway.model.catalog import Catalog
from slipway.model.document import Document, read
from slipway.model.eks import EksSpec
from slipway.model.environment import AnySpec, Environment
from slipway.model.logo import LogoError, data_uri
from slipway.model.problems import Finding, InvalidProject, Problem, listed
from slipway.model.references import (
    check_catalog,
    check_platform,
    check_release,
    unknown,
)
from slipway.model.release import PlatformVersions, Release
from slipway.model.repositories import built_anywhere
from slipway.model.signature import check_signature
from slipway.model.specs import EnvironmentSpec


@dataclass(frozen=True)
class Project:
    root: Path
    specs: Mapping[str, EnvironmentSpec]
    releases: Mapping[str, Release]
    logos: Mapping[str, str]
    """By environment, as `data:` URIs: of those that have one."""

    @cached_property
    def catalog(self) -> Catalog:
        """The working tree's. Raises InvalidProject."""
        found: Catalog = load_file(self.root / CATALOG_FILE, CATALOG_FILE, Catalog, check_catalog)
        return found

    @cached_property
    def platform(self) -> PlatformVersions:
        """What the working tree runs on. The file need not exist. Raises InvalidProject."""
        file = self.root / PLATFORM_FILE
        if not file.exists():
            return PlatformVersions()
        found: PlatformVersions = load_file(file, PLATFORM_FILE, PlatformVersions, check_platform)
        return found

    @cached_property
    def _repositories(self) -> tuple[str, ...]:
        files = _files(self.root / "releases")
        return built_anywhere(self.root / CATALOG_FILE, files, self.releases)

    def environment(self, name: str) -> Environment:
        """The environment `name`. Raises InvalidProject with those that exist."""
        if name not in self.specs:
            raise InvalidProject([_no_environment(self.root, name)])
        spec, logo = self.specs[name], self.logos.get(name, "")
        release = None if spec.release == facts.WORKING_TREE else self.releases[spec.release]
        catalog, platform = (
            (release.catalog, release.platform) if release else (self.catalog, self.platform)
        )
        repositories = self._repositories if spec.on_aws else ()
        return Environment(name, spec, catalog, platform, release, logo, repositories=repositories)

    @property
    def eks_specs(self) -> dict[str, EksSpec]:
        """Of the environments on AWS."""
        return {n: spec for n, spec in self.specs.items() if isinstance(spec, EksSpec)}

    def environments(self) -> Iterator[Environment]:
        return (self.environment(name) for name in self.specs)


def find_root(start: Path) -> Path:
    """The closest folder at or above `start` that holds a catalog. Raises InvalidProject."""
    for folder in (start, *start.parents):
        if (folder / CATALOG_FILE).is_file():
            return folder
    raise InvalidProject(
        [
            Problem(
                CATALOG_FILE, 1, 1, "", f"is neither in {start} nor above it", "name --project DIR"
            )
        ]
    )


def load(root: Path, only: str | None = None) -> Project:
    """Read and check every file of the project, or those that environment `only` needs.

    One that is pinned needs no catalog but its release's: that of the files at hand may be written
    for a newer Slipway than the release's own, which reads this.

    Raises InvalidProject with all problems of all files.
    """
    problems: list[Problem] = []
    versions = [file.stem for file in _files(root / "releases")]
    names = _environment_names(root)
    if only is not None and only not in names:
        raise InvalidProject([*problems, _no_environment(root, only)])
    loaded = {
        name: _load(
            problems,
            root / f"environments/{name}.yaml",
            f"environments/{name}.yaml",
            AnySpec,
            _spec_check(name, versions),
        )
        for name in (names if only is None else [only])
    }
    specs = {name: spec for name, (spec, _) in loaded.items() if spec}
    needed = versions if only is None else [spec.release for spec in specs.values()]
    releases = {
        version: _load(
            problems,
            root / f"releases/{version}.yaml",
            f"releases/{version}.yaml",
            Release,
            partial(check_release, name=version),
        )[0]
        for version in versions
        if version in needed
    }
    project = Project(
        root,
        specs,
        {name: release for name, release in releases.items() if release},
        _logos(problems, root, {name: loaded[name] for name in specs}),
    )
    bad_catalog: tuple[Problem, ...] = ()
    if only not in specs or facts.WORKING_TREE in needed:
        bad_catalog = _wrong_with(lambda: project.catalog)
        problems += (*bad_catalog, *_wrong_with(lambda: project.platform))
    for name, spec in specs.items():
        if spec.release in project.releases or (
            spec.release == facts.WORKING_TREE and not bad_catalog
        ):
            found = _misfits(project, spec)
            problems += [_positioned(loaded[name][1], finding) for finding in found]
    if problems:
        raise InvalidProject(problems)
    return project


def _wrong_with(part: Callable[[], object]) -> tuple[Problem, ...]:
    try:
        part()
    except InvalidProject as error:
        return error.problems
    return ()


def _misfits(project: Project, spec: EnvironmentSpec) -> Iterator[Finding]:
    """Between an environment and what it is to run."""
    release = project.releases.get(spec.release)
    yield from spec.misfits(release.catalog if release else project.catalog)
    if release:
        yield from check_signature(project.root, spec.signed_by, release)


def load_file(file: Path, name: str, model: Any, check: Callable[[Any], Iterable[Finding]]) -> Any:
    """The model in one file of a project, called `name` in messages. Raises InvalidProject."""
    problems: list[Problem] = []
    value, _ = _load(problems, file, name, model, check)
    if problems:
        raise InvalidProject(problems)
    return value


def _load(
    problems: list[Problem],
    file: Path,
    name: str,
    model: Any,
    check: Callable[[Any], Iterable[Finding]],
) -> tuple[Any, Any]:
    """The model in `file` and its document; None for both, and `problems` longer, if it is bad."""
    try:
        document = read(file, name)
        value = _adapter(model).validate_python(document.data)
    except InvalidProject as error:
        problems.extend(error.problems)
        return None, None
    except ValidationError as error:
        problems.extend(explain.problems(error, document, model))
        return None, None
    found = [_positioned(document, finding) for finding in check(value)]
    problems.extend(found)
    return (None, None) if found else (value, document)


def _logos(
    problems: list[Problem], root: Path, loaded: Mapping[str, tuple[EnvironmentSpec, Document]]
) -> dict[str, str]:
    """The environments' logos as `data:` URIs; `problems` is longer for each that is none."""
    logos = {}
    for name, (spec, document) in loaded.items():
        try:
            if spec.logo:
                logos[name] = data_uri(root, spec.logo)
        except LogoError as error:
            problems.append(document.problem(("logo",), error.message, error.hint))
    return logos


_adapters: dict[int, TypeAdapter[Any]] = {}


def _adapter(model: Any) -> TypeAdapter[Any]:
    """Built once per model: by identity, because an annotated union has no hash."""
    if id(model) not in _adapters:
        _adapters[id(model)] = TypeAdapter(model)
    return _adapters[id(model)]


def _positioned(document: Document, finding: Finding) -> Problem:
    return document.problem(finding.path, finding.message, finding.hint, at_key=finding.at_key)


def _spec_check(name: str, versions: list[str]) -> Callable[[EnvironmentSpec], Iterable[Finding]]:
    def check(spec: EnvironmentSpec) -> Iterator[Finding]:
        if not re.fullmatch(NAME, name):
            yield Finding((), f"{name!r} is not a name", "call the file for example dev.yaml")
        if spec.release != facts.WORKING_TREE and spec.release not in versions:
            known = (*versions, facts.WORKING_TREE)
            yield Finding(("release",), *unknown("release", spec.release, known))
        yield from spec.findings()

    return check


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.yaml"))


def _environment_names(root: Path) -> list[str]:
    return [file.stem for file in _files(root / "environments")]


def _no_environment(root: Path, name: str) -> Problem:
    known = listed(_environment_names(root)) or "none yet"
    file = f"environments/{name}.yaml"
    return Problem(file, 1, 1, "", f"there is no environment {name!r}", f"there is {known}")
