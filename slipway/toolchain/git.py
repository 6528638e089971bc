"""Running git, and what it knows of a project's folder."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

GENERATED = (".*", "node_modules/", "cdk.out/", "__pycache__/", "*.egg-info/")
"""Patterns of what setting up and running leave behind. No Python module begins with a dot."""
_MISLEADING = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR")
"""Variables of a hook, which would lead to another repository."""


class GitError(Exception):
    """What git cannot do, and what to do about it."""


def run(
    folder: Path,
    *arguments: str,
    variables: Mapping[str, str] = os.environ,
    index: Path | None = None,
) -> str:
    """git's standard output, decoded. `variables` are its environment.

    `index` takes the place of the repository's own. Raises GitError.
    """
    return run_bytes(folder, *arguments, variables=variables, index=index).decode(errors="replace")


def run_bytes(
    folder: Path,
    *arguments: str,
    variables: Mapping[str, str] = os.environ,
    index: Path | None = None,
) -> bytes:
    """git's standard output. Raises GitError."""
    clean = {name: value for name, value in variables.items() if name not in _MISLEADING}
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            env=clean
            | {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
            | ({"GIT_INDEX_FILE": str(index)} if index else {}),
        )
    except FileNotFoundError:
        raise GitError("git is missing: install it with your package manager") from None
    if done.returncode != 0:
        raise GitError(f"git {arguments[0]} fails: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def top(folder: Path) -> Path:
    """The top folder of the working tree that `folder` is in. Raises GitError."""
    try:
        return Path(run(folder, "rev-parse", "--show-toplevel").rstrip("\n"))
    except GitError as error:
        if "not a git repository" not in str(error):
            raise
        raise GitError(
            f"{folder} is not in a git repository: `git init`, then commit the project's files"
        ) from None


def commit(folder: Path) -> str:
    """The commit that is checked out. Raises GitError."""
    top(folder)
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


def differing(folder: Path, commit: str) -> list[str]:
    """Files below `folder`, relative to it, that are not as `commit` has them: changed, missing or
    added ones, also such as git ignores, but for `GENERATED`.

    They are compared by content, in an index of its own: flags in the repository's index
    (`--assume-unchanged`) hide nothing. Raises GitError.
    """
    with TemporaryDirectory(prefix="slipway-index-") as temporary:
        index = Path(temporary, "index")
        run(folder, "read-tree", commit, index=index)
        run(folder, "update-index", "-q", "--refresh", index=index)
        others = [f"--exclude={pattern}" for pattern in GENERATED]
        listed = (
            run(folder, "diff-files", "--name-only", "-z", "--relative", index=index),
            run(folder, "ls-files", "--others", "-z", *others, index=index),
        )
    return sorted(filter(None, "".join(listed).split("\0")))


def has_commit(folder: Path, commit: str) -> bool:
    """Whether the repository holds `commit`: a shallow clone may not."""
    return _succeeds(folder, "cat-file", "-e", f"{commit}^{{commit}}")


def is_ancestor(folder: Path, commit: str) -> bool:
    """Whether `commit` is in the history of what is checked out, and was reviewed with it."""
    return _succeeds(folder, "merge-base", "--is-ancestor", commit, "HEAD")


def _succeeds(folder: Path, *arguments: str) -> bool:
    try:
        run(folder, *arguments)
    except GitError:
        return False
    return True
