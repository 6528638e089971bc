"""What git knows of a project's folder."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path


class GitError(Exception):
    """What git cannot do, and what to do about it."""


def run(folder: Path, *arguments: str, variables: Mapping[str, str] = os.environ) -> str:
    """git's standard output. `variables` are its environment. Raises GitError."""
    return run_bytes(folder, *arguments, variables=variables).decode(errors="replace")


def run_bytes(folder: Path, *arguments: str, variables: Mapping[str, str] = os.environ) -> bytes:
    """Raises GitError."""
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            capture_output=True,
            check=False,
            # A hook's variables would lead to another repository.
            env={name: value for name, value in variables.items() if name not in _LEADING}
            | {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
        )
    except FileNotFoundError:
        raise GitError("git is missing: install it with your package manager") from None
    if done.returncode != 0:
        raise GitError(f"git {arguments[0]} fails: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


_LEADING = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")


def commit(folder: Path) -> str:
    """The commit that is checked out. Raises GitError."""
    try:
        inside = run(folder, "rev-parse", "--is-inside-work-tree").strip()
    except GitError as error:
        if "not a git repository" not in str(error):
            raise
        inside = "false"
    if inside != "true":
        raise GitError(
            f"{folder} is not in a git repository: `git init`, then commit the project's files"
        )
    try:
        return run(folder, "rev-parse", "--verify", "HEAD^{commit}").strip()
    except GitError:
        raise GitError(f"{folder} has no commit yet: commit the project's files") from None


def changed(folder: Path) -> list[str]:
    """Files below `folder`, relative to it, that no commit holds as they are. Raises GitError."""
    listed = run(
        folder, "status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "--", "."
    )
    above = run(folder, "rev-parse", "--show-prefix").rstrip("\n")
    return [entry[3:].removeprefix(above) for entry in listed.split("\0") if entry]


def is_ancestor(folder: Path, commit: str) -> bool:
    """Whether what is checked out goes back to `commit`: its history was reviewed with it."""
    try:
        run(folder, "merge-base", "--is-ancestor", commit, "HEAD")
    except GitError:
        return False
    return True
