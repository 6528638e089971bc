"""A project folder: its catalog, platform, environments and releases, checked as a whole."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from slipway import facts
from slipway.model import explain
from slipway.model.base import NAME
from slipway.model.catalog import Catalog
from slipway.model.document import Document, read
from slipway.model.eks import EksSpec
from slipway.model.environment import AnySpec, Environment
from slipway.model.logo import LogoError, data_uri
from slipway.model.problems import Finding, InvalidProject, Problem, listed
from slipway.model.references import check_catalog, check_platform, check_release, unknown
from slipway.model.release import PlatformVersions, Release, built_here
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
        catalog: Catalog = _load(self.root, facts.CATALOG_FILE, Catalog, check_catalog)[0]
        return catalog

    @cached_property
    def platform(self) -> PlatformVersions:
        """What the working tree runs on. The file need not exist. Raises InvalidProject."""
        platform, file = PlatformVersions(), facts.PLATFORM_FILE
        if (self.root / file).exists():
            platform, _ = _load(self.root, file, PlatformVersions, check_platform)
        return platform

    @cached_property
    def _repositories(self) -> tuple[str, ...]:
        """Every image that the catalog or a release builds: a promotion copies before it pins, and
        a rollback finds what it left.

        Of releases that were not loaded only names are read, so that they may be written for a
        newer Slipway. A catalog that is no YAML has none: what is pinned does not wait for it.
        Raises InvalidProject for a release that is none.
        """
        names = [*facts.HUB_IMAGES]
        with suppress(InvalidProject):
            names += _built_images(read(self.root / facts.CATALOG_FILE, facts.CATALOG_FILE).data)
        for file in sorted((self.root / facts.RELEASES_FOLDER).glob("*.yaml")):
            if release := self.releases.get(file.stem):
                names += built_here(release.catalog)
            else:
                content = _mapping(read(file, facts.release_file(file.stem)).data)
                names += _built_images(content.get("catalog"))
        return tuple(dict.fromkeys(names))

    def environment(self, name: str) -> Environment:
        """The environment `name`. Raises InvalidProject with those that exist."""
        if name not in self.specs:
            raise _no_environment(self.root, name)
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
        if (folder / facts.CATALOG_FILE).is_file():
            return folder
    message = f"is neither in {start} nor above it"
    raise InvalidProject.of_file(facts.CATALOG_FILE, "", message, "name --project DIR")


def load(root: Path, only: str | None = None) -> Project:
    """Read and check every file of the project, or those that environment `only` needs.

    One that pins a release needs no other catalog: it may be written for a newer Slipway.

    Raises InvalidProject with all problems of all files.
    """
    names, versions = _names(root / facts.ENVIRONMENTS_FOLDER), _names(root / facts.RELEASES_FOLDER)
    if only is not None and only not in names:
        raise _no_environment(root, only)
    problems: list[Problem] = []
    loaded: dict[str, tuple[EnvironmentSpec, Document]] = {}
    releases: dict[str, Release] = {}
    logos: dict[str, str] = {}
    for name in [only] if only else names:
        with _collected(problems):
            loaded[name] = _load_spec(root, name, versions)
    specs = {name: spec for name, (spec, _) in loaded.items()}
    needed = [spec.release for spec in specs.values()] if only else versions
    for version in [version for version in versions if version in needed]:
        with _collected(problems):
            releases[version] = load_release(root, version)
    for name, (spec, document) in loaded.items():
        with _collected(problems):
            logos |= _logo(root, name, spec, document)
    project = Project(root, specs, releases, logos)
    runnable = {*releases}
    if only not in specs or facts.WORKING_TREE in needed:
        with _collected(problems):
            _ = project.platform
        with _collected(problems):
            _ = project.catalog
            runnable.add(facts.WORKING_TREE)
    for spec, document in loaded.values():
        if spec.release in runnable:
            with _collected(problems):
                _check_misfits(project, spec, document)
    if problems:
        raise InvalidProject(problems)
    return project


@contextmanager
def _collected(problems: list[Problem]) -> Iterator[None]:
    """Adds what is wrong to `problems` and goes on, so that all of it is said at once."""
    try:
        yield
    except InvalidProject as error:
        problems += error.problems


def _check_misfits(project: Project, spec: EnvironmentSpec, document: Document) -> None:
    """Between an environment and what it is to run. Raises InvalidProject."""
    release = project.releases.get(spec.release)
    if release is None:
        document.refuse(spec.misfits(project.catalog))
    else:
        signed = check_signature(project.root, spec.signed_by, release)
        document.refuse([*spec.misfits(release.catalog), *signed])


def _load_spec(root: Path, name: str, versions: list[str]) -> tuple[EnvironmentSpec, Document]:
    check = partial(_check_spec, name=name, versions=versions)
    return _load(root, facts.environment_file(name), AnySpec, check)


def load_release(root: Path, version: str) -> Release:
    """Read and check one release. Raises InvalidProject."""
    check = partial(check_release, name=version)
    release: Release = _load(root, facts.release_file(version), Release, check)[0]
    return release


def _logo(root: Path, name: str, spec: EnvironmentSpec, document: Document) -> dict[str, str]:
    """The environment's logo as a `data:` URI, by its name. Raises InvalidProject."""
    try:
        return {name: data_uri(root, spec.logo)} if spec.logo else {}
    except LogoError as error:
        problem = document.problem(("logo",), error.message, error.hint)
        raise InvalidProject([problem]) from error


def _load(
    root: Path, file: str, model: Any, check: Callable[[Any], Iterable[Finding]]
) -> tuple[Any, Document]:
    """The model in one file of a project, and the places of its values. Raises InvalidProject."""
    document = read(root / file, file)
    try:
        value = _adapter(model).validate_python(document.data)
    except ValidationError as error:
        raise InvalidProject(explain.problems(error, document, model)) from error
    document.refuse(check(value))
    return value, document


_adapters: dict[int, TypeAdapter[Any]] = {}


def _adapter(model: Any) -> TypeAdapter[Any]:
    """Built once per model: by identity, because an annotated union has no hash."""
    if id(model) not in _adapters:
        _adapters[id(model)] = TypeAdapter(model)
    return _adapters[id(model)]


def _check_spec(spec: EnvironmentSpec, name: str, versions: list[str]) -> Iterator[Finding]:
    if not re.fullmatch(NAME, name):
        yield Finding((), f"{name!r} is not a name", "call the file for example dev.yaml")
    if spec.release != facts.WORKING_TREE and spec.release not in versions:
        known = (*versions, facts.WORKING_TREE)
        yield Finding(("release",), *unknown("release", spec.release, known))
    yield from spec.findings()


def _built_images(catalog: Any) -> Iterator[str]:
    for name, image in _mapping(_mapping(catalog).get("images")).items():
        if re.fullmatch(NAME, name) and not _mapping(image).get("reference"):
            yield name


def _mapping(data: Any) -> dict[str, Any]:
    return data if isinstance(data, dict) else {}


def _names(folder: Path) -> list[str]:
    return sorted(file.stem for file in folder.glob("*.yaml"))


def _no_environment(root: Path, name: str) -> InvalidProject:
    known = listed(_names(root / facts.ENVIRONMENTS_FOLDER)) or "none yet"
    message, hint = f"there is no environment {name!r}", f"there is {known}"
    return InvalidProject.of_file(facts.environment_file(name), "", message, hint)
