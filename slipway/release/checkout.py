"""`slipway checkout`: a release's commit in a folder of its own, set up and ready to be deployed.

It is a git worktree below `.slipway/checkouts/`, with its own virtual environment. The files that
decide what is trusted (the environment's, keys, signatures) are those of the project it is made
from, never those of the release's commit.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway import facts, files
from slipway.installation import INSTALLATION
from slipway.model import Environment, InvalidProject, Project
from slipway.model.problems import listed
from slipway.release import code_check
from slipway.steps import Say, StepError
from slipway.toolchain import git

COMPLETE_MARKER = f"{facts.STATE_FOLDER}/checkout.json"
"""In a checkout, written last: its commit. A folder without it is incomplete."""
_REMOVED_VARIABLES = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "MAKEFLAGS", "MFLAGS", "MAKELEVEL")
"""Environment variables that programs in the checkout do not get: they lead to this project."""


@dataclass(frozen=True)
class Checkout:
    """`folder` is the project, with the code that may render the environment."""

    environment: str
    release: str
    commit: str | None
    """None where the environment follows the catalog: it is rendered by the code at hand."""
    folder: Path
    deploy: str
    """The command that deploys the environment, to be run in `folder`."""

    def as_json(self) -> dict[str, Any]:
        return {**vars(self), "folder": str(self.folder)}


def check_out(project: Project, name: str, say: Say) -> Checkout:
    """Make the checkout of the release that environment `name` pins, or bring it up to date.

    Stopped at any point, it can be run again. `make setup` writes to standard error. Raises
    InvalidProject where the release has no code that may be checked out, GitError, StepError and
    OSError for what went wrong.
    """
    root, environment = project.root.resolve(), project.environment(name)
    release = environment.release
    if release is None:
        return Checkout(name, environment.release_name, None, root, _deploy(environment))
    code_check.check_commit(root, environment)
    if reviewed := code_check.source_project(root):
        message, hint = f"{root} is a checkout", f"run this in {reviewed}"
        raise InvalidProject.of_file(facts.environment_file(name), "release", message, hint)
    top = git.top(root)
    folder = root / code_check.CHECKOUTS / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _exclusive(folder.with_name(f".{name}.lock")):
        _update_worktree(root, folder, environment, say)
        inside = folder / root.relative_to(top)
        copy_project_data(root, environment, inside)
        _set_up(folder / INSTALLATION.relative_to(top), say)
        files.write(folder / COMPLETE_MARKER, json.dumps({"commit": release.commit}))
    return Checkout(name, release.version, release.commit, inside, _deploy(environment))


def _deploy(environment: Environment) -> str:
    name = environment.name
    if environment.spec.on_aws:
        return f".venv/bin/cdk deploy '{name}/*' -c env={name}"
    return f".venv/bin/slipway render {name} | kubectl apply -f -"


def _update_worktree(root: Path, folder: Path, environment: Environment, say: Say) -> None:
    """Make the worktree at `folder`, or move it to the release's commit. Refuses edited files."""
    assert environment.release
    release, commit = environment.release, environment.release.commit
    before = _completed_commit(folder)
    if before is None:
        say(f"the commit {commit[:12]} of {release.version} in {folder}")
        shutil.rmtree(folder, ignore_errors=True)
        git.run(root, "worktree", "prune")
        # Twice: also where one that was killed has left its folder locked.
        git.run(root, "worktree", "add", "--detach", "-f", "-f", str(folder), commit)
        (folder / facts.STATE_FOLDER).mkdir(exist_ok=True)
        return
    top = git.top(root)
    inside, installation = (folder / path.relative_to(top) for path in (root, INSTALLATION))
    if edited := code_check.changed_code_files(inside, environment, before, installation):
        raise StepError(
            f"files of {folder} were edited: {listed(edited, code_check.SHOWN)}; take them "
            f"elsewhere and `git worktree remove --force {folder}`, then run this again"
        )
    if before != commit:
        say(f"the commit {commit[:12]} of {release.version} in {folder}, after {before[:12]}")
        (folder / COMPLETE_MARKER).unlink()
        git.run(folder, "checkout", "--quiet", "--detach", "--force", commit)
        keep = [f"--exclude={pattern}" for pattern in git.GENERATED]
        git.run(folder, "clean", "-ffdxq", *keep)


def _completed_commit(folder: Path) -> str | None:
    """The commit of a complete checkout, else None."""
    try:
        commit: str = json.loads((folder / COMPLETE_MARKER).read_bytes())["commit"]
        return commit if git.top(folder) == folder else None
    except (OSError, ValueError, KeyError, git.GitError):
        return None


def copy_project_data(root: Path, environment: Environment, target: Path) -> None:
    """Copy what is not code from the project at `root` into its checkout at `target`: the
    environment's file and no other, its keys and logo, releases with their signatures, and the
    catalog, of which names of images are read.
    """
    wanted = {*code_check.trusted_files(environment), facts.CATALOG_FILE}
    for ending in ("yaml", "sig"):
        releases = (root / facts.RELEASES_FOLDER).glob(f"*.{ending}")
        wanted |= {f"{facts.RELEASES_FOLDER}/{file.name}" for file in releases}
    for folder in (facts.ENVIRONMENTS_FOLDER, facts.RELEASES_FOLDER):
        for file in (target / folder).glob("*.*"):
            if f"{folder}/{file.name}" not in wanted:
                file.unlink()
    for name in sorted(wanted):
        if (root / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            files.write(target / name, (root / name).read_bytes())


def _set_up(folder: Path, say: Say) -> None:
    say("make setup")
    try:
        done = subprocess.run(
            ["make", "setup"],
            cwd=folder,
            env=_own_variables(),
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr.fileno(),
            check=False,
        )
    except FileNotFoundError:
        raise StepError("make is missing: install it with your package manager") from None
    if done.returncode != 0:
        raise StepError(f"`make setup` fails in {folder}; mend that, then run this again")


def _own_variables() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _REMOVED_VARIABLES}


@contextmanager
def _exclusive(file: Path) -> Iterator[None]:
    """One at a time makes a checkout. Raises StepError."""
    with file.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StepError(f"another `slipway checkout` is at work in {file.parent}") from None
        yield


def manifests(root: Path, environment: Environment) -> str:
    """The Kubernetes objects of an environment as YAML, rendered by the code of its release: by the
    code at hand if it is that, else by the checkout.

    Raises InvalidProject where there is neither, StepError where the checkout cannot render it.
    """
    from slipway.render import yaml_text

    root = root.resolve()
    folder = root / code_check.CHECKOUTS / environment.name
    try:
        code_check.check_code(root, environment)
        return yaml_text(environment)
    except InvalidProject:
        if _completed_commit(folder) is None:
            raise
    top = git.top(root)
    done = subprocess.run(
        [folder / INSTALLATION.relative_to(top) / ".venv/bin/slipway", "render", environment.name],
        cwd=folder / root.relative_to(top),
        env=_own_variables(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise StepError(f"{folder}: {done.stderr.strip()}")
    return done.stdout
