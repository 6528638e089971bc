"""The two states of an environment that are compared, each with the code that renders it."""

import json
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from slipway.facts import HUB_IMAGES, RELEASES_FOLDER, WORKING_TREE, environment_file
from slipway.images.build.build import RECORDS
from slipway.images.build.record import BuildRecords
from slipway.installation import INSTALLATION
from slipway.model import Environment, InvalidProject, Project, load
from slipway.model.document import parse
from slipway.release import code_check, freeze, releases
from slipway.release.checkout import copy_project_data
from slipway.toolchain import git

LAST_COMMIT = "HEAD"


@dataclass(frozen=True)
class DiffInput:
    """One state of an environment. `digests` and `programs` are of its images, where known."""

    name: str
    """A version, `working-tree` or a commit, as the user called it."""
    environment: Environment | None
    """None: there is none of that name."""
    digests: Mapping[str, str]
    programs: Mapping[str, Mapping[str, str]]
    code: Path | None = None
    """A folder with the files of another commit, whose code renders this; None: the code here."""
    note: str = ""
    """Why it is rendered by other code than its own, if it is."""


NOTHING = DiffInput("", None, {}, {})


@contextmanager
def inputs(
    project: Project, name: str, before: str | None, after: str | None
) -> Iterator[tuple[DiffInput, DiffInput]]:
    """What `slipway diff --help` says of `--from` and `--to`. Raises InvalidProject."""
    environment = project.environment(name)
    if before is None:
        newest = releases.newest(releases.existing(project.root))
        if environment.release is None:
            before, after = newest or LAST_COMMIT, after or WORKING_TREE
        else:
            before = environment.release.version
            after = after or (newest if newest and newest != before else WORKING_TREE)
    with TemporaryDirectory(prefix="slipway-diff-") as folder:
        old = _input(project, name, before, Path(folder, "from"))
        new = _input(project, name, after or environment.release_name, Path(folder, "to"))
        yield old, new


def _input(project: Project, name: str, wanted: str, folder: Path) -> DiffInput:
    if wanted in (WORKING_TREE, *releases.existing(project.root)):
        state = of_version(project, name, wanted)
        return _by_its_commit(project, project.root, state, folder)
    return _committed(project, name, wanted, folder)


def of_version(project: Project, name: str, version: str) -> DiffInput:
    """The environment as it would be with a release, or with the catalog for `working-tree`.

    Rendered by the code at hand. Raises InvalidProject.
    """
    environment = project.environment(name)
    if version != WORKING_TREE:
        return _described(project, environment.with_release(releases.read(project.root, version)))
    catalog, platform = project.catalog, project.platform
    environment = replace(environment, release=None, catalog=catalog, versions=platform)
    return _described(project, environment)


def _described(project: Project, environment: Environment) -> DiffInput:
    """With what is known of its images, rendered by the code here."""
    if release := environment.release:
        return DiffInput(release.version, environment, release.images, release.programs)
    records = BuildRecords(project.root / RECORDS)
    names = (*HUB_IMAGES, *environment.catalog.images)
    built = [record for name in names if (record := records.read(name))]
    try:
        programs = freeze.programs(project.root, built)
    except (OSError, ValueError):
        programs = {}  # bills of materials that were deleted are no reason to show nothing
    return DiffInput(WORKING_TREE, environment, {r.name: r.digest for r in built}, programs)


def _by_its_commit(project: Project, source: Path, state: DiffInput, folder: Path) -> DiffInput:
    """Have a release rendered by the code of its commit, with the data of the project `source`."""
    environment = state.environment
    if environment is None or environment.release is None:
        return state
    version, commit = environment.release.version, environment.release.commit
    try:
        code_check.check_commit(project.root, environment)
        if not code_check.changed_code_files(project.root, environment, commit):
            return state
        inside = _extract(project.root, commit, folder)
    except (InvalidProject, git.GitError):
        return replace(state, note=f"{version} is rendered by the code here, not by its own")
    copy_project_data(source, environment, inside)
    _pin(inside / environment_file(environment.name), version)
    return replace(state, code=inside, note=_other_libraries(version, folder))


def _pin(file: Path, version: str) -> None:
    """Whether the release is trusted is no matter of a diff: it is not deployed."""
    data = parse(file.read_bytes(), file.name).data | {"release": version}
    data.pop("signed_by", None)
    file.write_text(json.dumps(data))


def _other_libraries(name: str, folder: Path) -> str:
    lock = folder / INSTALLATION.relative_to(git.top(INSTALLATION)) / code_check.REQUIREMENTS
    if not lock.is_file() or not code_check.mismatched_packages(lock):
        return ""
    return f"{name} is rendered with the libraries here, not with those it was locked to"


def _committed(project: Project, name: str, revision: str, folder: Path) -> DiffInput:
    """The environment as a commit has it, with the release that is pinned there."""
    root = project.root
    try:
        wanted = ("--end-of-options", f"{revision}^{{commit}}")
        commit = git.run(root, "rev-parse", "--verify", "--quiet", *wanted).strip()
        inside = _extract(root, commit, folder / "commit")
    except git.GitError as error:
        known = ", ".join([*releases.sorted_versions(releases.existing(root)), WORKING_TREE])
        message = f"{revision!r} is neither a release nor a commit ({error})"
        raise InvalidProject.of_file(RELEASES_FOLDER, "", message, f"there is {known}") from None
    if not (inside / environment_file(name)).exists():
        return DiffInput(revision, None, {}, {})
    environment = load(inside, name).environment(name)
    state = replace(_described(replace(project, root=inside), environment), name=revision)
    if environment.release:
        return _by_its_commit(project, inside, state, folder / "release")
    in_repository = INSTALLATION.is_relative_to(git.top(root))
    if in_repository and code_check.changed_code_files(root, project.environment(name), commit):
        return replace(state, code=inside, note=_other_libraries(revision, folder / "commit"))
    return state


def _extract(root: Path, commit: str, target: Path) -> Path:
    """Put a commit's files into `target`; returns the project's folder in it."""
    top = git.top(root)
    archive = git.run_bytes(top, "archive", "--format=tar", commit)
    with tarfile.open(fileobj=BytesIO(archive)) as tar:
        tar.extractall(target, filter="data")
    return target / root.resolve().relative_to(top)
