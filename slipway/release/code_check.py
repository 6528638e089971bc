"""Checks that the running code and its libraries are those of a release's commit.

An environment that pins a release is rendered by that code only. A project's own data (catalog,
platform, environments, releases, keys, logos) is no code: a pinned environment takes its catalog
from the release's file, and all else from files that were reviewed last.
See docs/decisions/0021-release-checkout.md.
"""

import re
from fnmatch import fnmatchcase
from importlib import metadata
from pathlib import Path

from slipway import facts
from slipway.installation import INSTALLATION
from slipway.model import Environment, InvalidProject
from slipway.model.problems import listed
from slipway.toolchain import git

DATA = (
    facts.CATALOG_FILE,
    facts.PLATFORM_FILE,
    f"{facts.ENVIRONMENTS_FOLDER}/*.yaml",
    f"{facts.RELEASES_FOLDER}/*.yaml",
    f"{facts.RELEASES_FOLDER}/*.sig",
)
"""Patterns of a project's own data, beside the keys and the logo that an environment names."""
CHECKOUTS = f"{facts.STATE_FOLDER}/checkouts"
REQUIREMENTS = "requirements.txt"
_LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)(?:\s*;\s*([^\\\n]+))?", re.MULTILINE)
SHOWN = 5
"""Files or libraries that a message names."""


def check_code(root: Path, environment: Environment) -> None:
    """Refuse to render a pinned release with other code than its own.

    Raises InvalidProject with the reason and the remedy.
    """
    if environment.release is None:
        return
    check_commit(root, environment)
    version, name = environment.release.version, environment.name
    reviewed = source_project(root) or root
    checkout = f"`slipway checkout {name}`" + (f" in {reviewed}" if reviewed != root else "")
    if files := changed_code_files(root, environment, environment.release.commit):
        raise _refused(
            environment,
            f"other files are here than in the commit of {version}: {listed(files, SHOWN)}",
            f"{checkout} makes a folder that has them all",
        )
    if libraries := mismatched_packages(INSTALLATION / REQUIREMENTS):
        raise _refused(
            environment,
            f"{version} was locked to other libraries than these: {listed(libraries, SHOWN)}",
            "`make setup` installs them",
        )
    trusted = trusted_files(environment) if reviewed != root else []
    if stale := [file for file in trusted if _content(root / file) != _content(reviewed / file)]:
        raise _refused(
            environment,
            f"this checkout has another {listed(stale, SHOWN)} than {reviewed}",
            f"{checkout} brings it up to date",
        )


def check_commit(root: Path, environment: Environment) -> None:
    """Refuse a release whose commit is not here, holds no Slipway, or was never reviewed.

    Raises InvalidProject.
    """
    assert environment.release
    release = environment.release
    short = release.commit[:12]
    try:
        top = git.top(root)
    except git.GitError as error:
        message = f"{release.version} is rendered by its commit {short} alone, but {error}"
        raise _refused(environment, message, "or clone the repository that has it") from None
    if not INSTALLATION.is_relative_to(top) or git.top(INSTALLATION) != top:
        raise _refused(
            environment,
            f"{release.version} is rendered by its commit alone, and Slipway is not part of it: it "
            f"is installed in {INSTALLATION}",
            f"keep Slipway in the project's repository {top}",
        )
    if git.is_ancestor(source_project(root) or root, release.commit):
        return
    if git.has_commit(root, release.commit):
        message = f"the commit {short} of {release.version} is not in the history of what is here"
        raise _refused(environment, message, "freeze a new version from here: nobody reviewed it")
    raise _refused(
        environment,
        f"the commit {short} of {release.version} is not in this clone",
        "fetch the whole history (`git fetch --unshallow`), or freeze a new version from here",
    )


def changed_code_files(
    root: Path, environment: Environment, commit: str, installation: Path | None = None
) -> list[str]:
    """Files of the project and of Slipway that are not as in `commit`, but for the project's data.

    Relative to the repository's top folder. `installation` is Slipway's folder, by default that of
    the code at hand. Raises GitError.
    """
    top, root = git.top(root), root.resolve()
    folders = {root, installation or INSTALLATION}
    folders -= {folder for folder in folders if any(f in folder.parents for f in folders)}
    files = sorted(
        (folder / file).relative_to(top).as_posix()
        for folder in folders
        for file in git.differing(folder, commit)
    )
    prefix = f"{root.relative_to(top).as_posix()}/".removeprefix("./")
    data = [*DATA, *_named_files(environment)]
    return [f for f in files if not any(fnmatchcase(f, f"{prefix}{pattern}") for pattern in data)]


def mismatched_packages(lock: Path) -> list[str]:
    """Of the libraries that `lock` pins, those that are installed here in another version."""
    from packaging.markers import Marker

    return [
        f"{name} {_installed(name) or 'is missing'} (not {wanted})"
        for name, wanted, marker in _LOCKED.findall(lock.read_text())
        if _installed(name) != wanted and (not marker or Marker(marker).evaluate())
    ]


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def source_project(root: Path) -> Path | None:
    """The project that the checkout at `root` was made from; None if `root` is no checkout."""
    top = git.top(root)
    if not top.parent.as_posix().endswith(f"/{CHECKOUTS}"):
        return None
    project = top.parents[2]
    return project if (project / facts.ENVIRONMENTS_FOLDER).is_dir() else None


def trusted_files(environment: Environment) -> list[str]:
    """Files that are always those of the source project, never those of the release's commit."""
    version = environment.release_name
    release = (facts.release_file(version), facts.signature_file(version))
    return [facts.environment_file(environment.name), *release, *_named_files(environment)]


def _named_files(environment: Environment) -> list[str]:
    """The keys and the logo that the environment's file names."""
    spec = environment.spec
    return [*spec.signed_by, *filter(None, [spec.logo])]


def _content(file: Path) -> bytes | None:
    return file.read_bytes() if file.is_file() else None


def _refused(environment: Environment, message: str, hint: str) -> InvalidProject:
    file = facts.environment_file(environment.name)
    return InvalidProject.of_file(file, "release", message, hint)
