"""Freezing a project's working tree as a release, or saying all that is missing for it."""

from collections.abc import Iterable
from typing import Any

from slipway.facts import WORKING_TREE
from slipway.images.build.recipes import BASE
from slipway.model import Catalog, Environment, Project, Release
from slipway.model.problems import listed
from slipway.model.release import PlatformVersions
from slipway.release import bills, images
from slipway.toolchain import git

MOST_FILES = 10
"""Changed files that are named."""


class CannotFreeze(Exception):  # noqa: N818 - as `InvalidProject`
    """Why there is no release: all reasons, a line each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def freeze(project: Project, version: str, source: Environment) -> Release:
    """The release `version` of the project as it stands, with the images in `source`'s registry.

    Nothing is written. Raises CannotFreeze with all problems; `versions.problem` is asked before.
    """
    problems, commit = _of_git(project)
    found = images.find_images(project, source)
    lacking = [name for name, record in found.records.items() if not record.sboms]
    problems += found.problems
    problems += [
        f"image {name} has no bill of materials: `slipway build --push {source.name}`"
        for name in lacking
    ]
    if problems:
        raise CannotFreeze(problems)
    records = list(found.records.values())
    return Release(
        version=version,
        commit=commit,
        platform=PlatformVersions.model_validate(project.platform.model_dump()),
        images=found.digests,
        bases={record.name: record.base for record in records if record.base},
        sboms=bills.digests(project.root, records),
        programs=bills.programs_in(project.root, records),
        catalog=_frozen(project.catalog, found),
    )


def _of_git(project: Project) -> tuple[list[str], str]:
    try:
        commit = git.commit(project.root)
        changed = git.changed(project.root)
    except git.GitError as error:
        return [str(error)], ""
    if not changed:
        return [], commit
    names = listed(changed, MOST_FILES)
    return [f"not committed: {names}: commit or remove them, then freeze"], commit


def _frozen(catalog: Catalog, found: images.ReleaseImages) -> Catalog:
    """With each image's arguments as it was built, and others' images by digest.

    What it was built on has a place of its own.
    """
    changed = {}
    for name, image in catalog.images.items():
        update: dict[str, Any] = {}
        if name in found.elsewhere:
            update["reference"] = found.elsewhere[name]
        else:
            given = found.records[name].arguments.items()
            arguments = {n: v for n, v in given if n != BASE or BASE in image.arguments}
            update |= {"arguments": arguments} if arguments else {}
        changed[name] = image.model_copy(update=update)
    return catalog.model_copy(update={"images": changed})


def default_source(project: Project) -> str | None:
    """The one environment whose images are promoted to others; else the one on a cluster that
    follows the catalog; else the only one on a cluster. None where that leaves a choice."""
    specs = {n: s for n, s in project.specs.items() if s.has_cluster}
    promoted = [n for n, s in project.eks_specs.items() if s.promotion.to]
    following = [n for n, s in specs.items() if s.release == WORKING_TREE]
    return next((names[0] for names in (promoted, following, [*specs]) if len(names) == 1), None)
