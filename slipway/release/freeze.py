"""Freezing a project's working tree as a release, or saying all that is missing for it."""

import hashlib
import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slipway.facts import WORKING_TREE
from slipway.images.build.build import RECORDS, SBOMS
from slipway.images.build.recipes import BASE, Recipe, recipes
from slipway.images.build.record import BuildRecord, BuildRecords, is_current
from slipway.images.oci.descriptors import ImageError, ImageNotFoundError
from slipway.images.registry import skopeo
from slipway.images.registry.reference import Reference
from slipway.images.registry.registry import Registry
from slipway.model import Catalog, Environment, Project, Release
from slipway.model.apps import KINDS
from slipway.model.problems import listed
from slipway.model.release import PlatformVersions, built_here
from slipway.toolchain import git
from slipway.untrusted import parse_json

MOST_FILES = 10
"""Changed files that are named."""
MOST_OF_A_BILL = 2**28
"""Bytes of a bill of materials."""
PROGRAMS = {
    "jupyterhub": "JupyterHub",
    "configurable-http-proxy": "configurable-http-proxy",
    **{package: name for kind in KINDS.values() for package, name in kind.packages.items()},
}
"""Programs that users see: their packages in a bill of materials, and what people call them."""


class CannotFreeze(Exception):  # noqa: N818 - as `InvalidProject`
    """Why there is no release: all reasons, a line each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass
class ReleaseImages:
    """The images to freeze, and what stands against it."""

    records: dict[str, BuildRecord] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    elsewhere: dict[str, str] = field(default_factory=dict)
    """References by digest of the images that are not built here."""
    problems: list[str] = field(default_factory=list)


def freeze(project: Project, version: str, source: Environment) -> Release:
    """The release `version` of the project as it stands, with the images in `source`'s registry.

    Nothing is written. Raises CannotFreeze with all problems but those of the version's name
    (`releases.version_problem`).
    """
    problems, commit = _of_git(project)
    images = _find_images(project, source)
    records = list(images.records.values())
    problems += images.problems
    problems += [
        f"image {record.name} has no bill of materials: `slipway build --push {source.name}`"
        for record in records
        if not record.sboms
    ]
    if problems:
        raise CannotFreeze(problems)
    return Release(
        version=version,
        commit=commit,
        platform=PlatformVersions.model_validate(project.platform.model_dump()),
        images=images.digests,
        bases={record.name: record.base for record in records if record.base},
        sboms={record.name: _bills(project.root, record) for record in records},
        programs=programs(project.root, records),
        catalog=_frozen(project.catalog, images),
    )


def _of_git(project: Project) -> tuple[list[str], str]:
    """What git says against it, and the commit."""
    try:
        commit, changed = git.commit(project.root), git.changed(project.root)
    except git.GitError as error:
        return [str(error)], ""
    names = listed(changed, MOST_FILES)
    problem = f"not committed: {names}: commit or remove them, then freeze"
    return [problem] if changed else [], commit


def _find_images(project: Project, source: Environment) -> ReleaseImages:
    """Every image of the project's catalog, built from the files at hand and in `source`'s
    registry."""
    images, wanted = ReleaseImages(), built_here(project.catalog)
    try:
        skopeo.version()
    except ImageError as error:
        images.problems.append(str(error))
        return images
    known = recipes(project.root, project.catalog, wanted, {})
    records = BuildRecords(project.root / RECORDS)
    built = {name: record for name in known if (record := records.read(name))}
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
    for name in wanted:
        if problem := _not_built(name, known, built, epoch):
            images.problems.append(f"image {name} {problem}: `slipway build --push {source.name}`")
        else:
            images.records[name] = built[name]
    _look_up(images, source)
    return images


def _not_built(
    name: str, known: Mapping[str, Recipe], built: Mapping[str, BuildRecord], epoch: int
) -> str | None:
    """What is wrong with an image or with one that it is built on."""
    for parent in known[name].parents:
        if problem := _not_built(parent, known, built, epoch):
            return f"is built on {parent}, which {problem}"
    if name not in built:
        return "was never built here"
    if not is_current(known[name], built, epoch):
        return "was built from other files or arguments than these"
    return None


def _look_up(images: ReleaseImages, source: Environment) -> None:
    """Where each image is; several at a time, for a registry is as slow as its network."""
    home = source.cluster_spec.registry
    names = {name: f"{home}/{name}@{record.digest}" for name, record in images.records.items()}
    names |= {n: image.reference for n, image in source.catalog.images.items() if image.reference}
    references = {name: Reference.parse(reference) for name, reference in names.items()}
    with ExitStack() as stack:
        hosts = {ref.host: stack.enter_context(Registry(ref)) for ref in references.values()}
        pool = stack.enter_context(ThreadPoolExecutor(8))
        answers = list(pool.map(lambda ref: _digest(hosts[ref.host], ref), references.values()))
    for (name, reference), answer in zip(references.items(), answers, strict=True):
        if isinstance(answer, ImageNotFoundError) and name in images.records:
            command = f"`slipway build --push {source.name}`"
            images.problems.append(f"image {name} is not in {home}: {command}")
        elif isinstance(answer, ImageError):
            images.problems.append(f"image {name}: {answer}")
        else:
            images.digests[name] = answer
            if name not in images.records:
                images.elsewhere[name] = f"{reference.name}@{answer}"


def _digest(registry: Registry, reference: Reference) -> str | ImageError:
    try:
        return registry.manifest(reference)[0].digest
    except ImageError as error:
        return error


def _frozen(catalog: Catalog, images: ReleaseImages) -> Catalog:
    """With each image's arguments as it was built, and others' images by digest.

    What it was built on has a place of its own.
    """
    changed = {}
    for name, image in catalog.images.items():
        update: dict[str, Any] = {}
        if name in images.elsewhere:
            update["reference"] = images.elsewhere[name]
        else:
            given = images.records[name].arguments.items()
            arguments = {n: v for n, v in given if n != BASE or BASE in image.arguments}
            update |= {"arguments": arguments} if arguments else {}
        changed[name] = image.model_copy(update=update)
    return catalog.model_copy(update={"images": changed})


def _bills(root: Path, record: BuildRecord) -> dict[str, str]:
    """Digests of an image's bills of materials, by platform. Raises OSError."""
    files = {platform: _bill(root, name) for platform, name in record.sboms.items()}
    return {
        platform: f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"
        for platform, file in files.items()
    }


def programs(root: Path, records: Iterable[BuildRecord]) -> dict[str, dict[str, str]]:
    """By image, the versions of what users see in it: of its first platform, from its bill of
    materials (CycloneDX). Raises OSError, and ValueError for what is no bill of materials."""
    versions = {
        record.name: _programs(_bill(root, name))
        for record in records
        for name in [*record.sboms.values()][:1]
    }
    return {image: programs for image, programs in versions.items() if programs}


def _programs(bill: Path) -> dict[str, str]:
    try:
        content = parse_json(bill.read_bytes(), most=MOST_OF_A_BILL)
        return {
            PROGRAMS[part["name"]]: str(part["version"])[:200]
            for part in content.get("components", [])
            if part.get("name") in PROGRAMS and part.get("version")
        }
    except (ValueError, AttributeError, TypeError) as error:
        raise ValueError(f"{bill} is not a bill of materials: {error}") from None


def _bill(root: Path, name: str) -> Path:
    return root / RECORDS / SBOMS / name


def default_source(project: Project) -> str | None:
    """The one environment whose images are promoted to others; else the one on a cluster that
    follows the catalog; else the only one on a cluster. None where that leaves a choice."""
    specs = {n: s for n, s in project.specs.items() if s.has_cluster}
    promoted = [n for n, s in project.eks_specs.items() if s.promotion.to]
    following = [n for n, s in specs.items() if s.release == WORKING_TREE]
    return next((names[0] for names in (promoted, following, [*specs]) if len(names) == 1), None)
