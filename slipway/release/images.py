"""The images of a release: built from the files at hand, and there to be pulled."""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field

from slipway.images.build.build import RECORDS
from slipway.images.build.current import is_current
from slipway.images.build.recipes import Recipe, recipes
from slipway.images.build.record import BuildRecord, BuildRecords
from slipway.images.oci.descriptors import ImageError, ImageNotFoundError
from slipway.images.registry import skopeo
from slipway.images.registry.reference import Reference
from slipway.images.registry.registry import Registry
from slipway.model import Environment, Project
from slipway.model.release import built_here


@dataclass
class ReleaseImages:
    """The images to freeze, and what stands against it."""

    records: dict[str, BuildRecord] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    elsewhere: dict[str, str] = field(default_factory=dict)
    """References by digest of the images that are not built here."""
    problems: list[str] = field(default_factory=list)


def find_images(project: Project, source: Environment) -> ReleaseImages:
    """Every image of the project's catalog, as it is in the registry of `source`."""
    found, wanted = ReleaseImages(), built_here(project.catalog)
    try:
        skopeo.version()
    except ImageError as error:
        found.problems.append(str(error))
        return found
    known = recipes(project.root, project.catalog, wanted, {})
    records = BuildRecords(project.root / RECORDS)
    read = {name: records.read(name) for name in known}
    built = {name: record for name, record in read.items() if record}
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
    for name in wanted:
        if problem := _not_built(name, known, built, epoch):
            found.problems.append(f"image {name} {problem}: `slipway build --push {source.name}`")
        else:
            found.records[name] = built[name]
    _look_up(found, source)
    return found


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


def _look_up(found: ReleaseImages, source: Environment) -> None:
    """Where each image is; several at a time, for a registry is as slow as its network."""
    references: dict[str, Reference] = {}
    registry = source.cluster_spec.registry
    for name, record in found.records.items():
        references[name] = Reference.parse(f"{registry}/{name}@{record.digest}")
    for name, image in source.catalog.images.items():
        if image.reference:
            references[name] = Reference.parse(image.reference)
    with ExitStack() as stack:
        hosts = {one.host: stack.enter_context(Registry(one)) for one in references.values()}
        pool = stack.enter_context(ThreadPoolExecutor(8))
        answers = list(pool.map(lambda one: _digest(hosts[one.host], one), references.values()))
    for name, answer in zip(references, answers, strict=True):
        if isinstance(answer, ImageNotFoundError) and name in found.records:
            command = f"`slipway build --push {source.name}`"
            found.problems.append(f"image {name} is not in {registry}: {command}")
        elif isinstance(answer, ImageError):
            found.problems.append(f"image {name}: {answer}")
        else:
            found.digests[name] = answer
            if name not in found.records:
                found.elsewhere[name] = f"{references[name].name}@{answer}"


def _digest(registry: Registry, reference: Reference) -> str | ImageError:
    try:
        return registry.manifest(reference)[0].digest
    except ImageError as error:
        return error
