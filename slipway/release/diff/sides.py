"""The two environments that are compared."""

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from slipway.facts import WORKING_TREE
from slipway.images.build.build import RECORDS
from slipway.images.build.record import BuildRecords
from slipway.model import Environment, InvalidProject, Problem, Project, load
from slipway.release import bills, file, versions
from slipway.toolchain import git

LAST_COMMIT = "HEAD"


@dataclass(frozen=True)
class Side:
    """`name` is what it is called; `digests` and `programs` are of its images, where known."""

    name: str
    environment: Environment | None
    """None: there is none of that name."""
    digests: dict[str, str]
    programs: dict[str, dict[str, str]]
    code: Path | None = None
    """Where a commit's own files are, which render this side; None: by the code at hand."""


NOWHERE = Side("", None, {}, {})


@contextmanager
def sides(
    project: Project, name: str, before: str | None, after: str | None
) -> Iterator[tuple[Side, Side]]:
    """What `slipway diff --help` says of `--from` and `--to`. Raises InvalidProject."""
    here = project.environment(name)
    if before is None:
        before = _usual_before(project, here)
        after = after or _usual_after(project, here)
    with TemporaryDirectory(prefix="slipway-diff-") as folder:
        new = _side(project, name, after, Path(folder, "to")) if after else _of(project, here)
        yield _side(project, name, before, Path(folder, "from")), new


def _usual_before(project: Project, here: Environment) -> str:
    if here.release:
        return here.release.version
    return versions.newest(file.existing(project.root)) or LAST_COMMIT


def _usual_after(project: Project, here: Environment) -> str:
    newest = versions.newest(file.existing(project.root))
    if here.release and newest and newest != here.release.version:
        return newest
    return WORKING_TREE


def _side(project: Project, name: str, what: str, folder: Path) -> Side:
    if what == WORKING_TREE:
        here = replace(project.environment(name), release=None)
        return _of(project, replace(here, catalog=project.catalog, versions=project.platform))
    if what in file.existing(project.root):
        return _of(project, released(project, name, what))
    return _committed(project, name, what, folder)


def released(project: Project, name: str, version: str) -> Environment:
    """The environment as it would be with a release. Raises InvalidProject."""
    release = file.read(project.root, version)
    return replace(
        project.environment(name),
        release=release,
        catalog=release.catalog,
        versions=release.platform,
    )


def _of(project: Project, environment: Environment) -> Side:
    if release := environment.release:
        programs = {name: dict(found) for name, found in release.programs.items()}
        return Side(release.version, environment, dict(release.images), programs)
    records = BuildRecords(project.root / RECORDS)
    found = [records.read(name) for name in ("hub", "proxy", *environment.catalog.images)]
    built = [record for record in found if record]
    try:
        programs = bills.programs_in(project.root, built)
    except (OSError, ValueError):
        programs = {}  # bills of materials that were deleted are no reason to show nothing
    return Side(WORKING_TREE, environment, {r.name: r.digest for r in built}, programs)


def _committed(project: Project, name: str, revision: str, root: Path) -> Side:
    """The environment as a commit has it, with the release that is pinned there."""
    try:
        _extract(project.root, revision, root)
    except git.GitError as error:
        known = ", ".join([*versions.in_order(file.existing(project.root)), WORKING_TREE])
        message = f"{revision!r} is neither a release nor a commit ({error})"
        problem = Problem("releases", 1, 1, "", message, f"there is {known}")
        raise InvalidProject([problem]) from None
    code = root if (root / "slipway").is_dir() else None
    if not (root / f"environments/{name}.yaml").exists():
        return Side(revision, None, {}, {}, code)
    environment = load(root, name).environment(name)
    return replace(_of(replace(project, root=root), environment), name=revision, code=code)


def _extract(root: Path, revision: str, target: Path) -> None:
    """A commit's files of the project."""
    commit = git.run(
        root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
    )
    archive = git.run_bytes(root, "archive", "--format=tar", commit.strip(), ".")
    with tarfile.open(fileobj=BytesIO(archive)) as tar:
        tar.extractall(target, filter="data")
