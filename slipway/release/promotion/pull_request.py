"""What a pipeline needs for a pull request that promotes: its branch, its title, its text."""

import os
import shutil
import subprocess
from base64 import b64encode
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from slipway.release.promotion.promote import Promotion

MARKS = {True: "passed", False: "not passed"}


class CannotOpen(Exception):  # noqa: N818
    """What git or gh said."""


@dataclass(frozen=True)
class PullRequest:
    branch: str
    title: str
    body: str
    """Markdown."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def pull_request(done: Promotion) -> PullRequest:
    rows = [
        f"| {gate.name} | {_verdict(gate.ok, gate.waived)} | {_cell(gate.detail)} |"
        for gate in done.gates
    ]
    images = [
        f"| {image.name} | `{image.digest}` | {image.copied_blobs} | {image.skipped_blobs} |"
        for image in done.images
    ]
    lines = [
        f"{done.target} runs {done.previous}; this lets it run what {done.source} runs: "
        f"{done.release}.",
        "",
        *[f"- {_cell(change)}" for change in done.users or ["Users see no change."]],
        "",
        "| gate | | |",
        "|---|---|---|",
        *rows,
        "",
        "| image | digest | blobs copied | blobs there |",
        "|---|---|---|---|",
        *images,
        "",
        "```diff",
        *done.diff,
        "```",
    ]
    return PullRequest(
        f"promote/{done.target}-{done.release}",
        f"Promote {done.release} from {done.source} to {done.target}",
        "\n".join(lines) + "\n",
    )


def _verdict(ok: bool, waived: str | None) -> str:
    return f"waived: {_cell(waived)}" if waived is not None else MARKS[ok]


def _cell(text: str) -> str:
    """For a cell of a table, where what others wrote makes no markup."""
    plain = " ".join(text.split()).replace("\\", "\\\\")
    for character in "|<>`*_[]@":
        plain = plain.replace(character, f"\\{character}")
    return plain


def content(root: Path, file: str) -> str:
    """What a job needs to commit the pin that has no other file of this one: base64, as ends of
    lines matter. Raises OSError."""
    return b64encode((root / file).read_bytes()).decode()


def can_open(root: Path) -> bool:
    """Whether gh is here and knows who we are."""
    if shutil.which("gh") is None or shutil.which("git") is None:
        return False
    try:
        _run(root, "gh", "auth", "token")
    except CannotOpen:
        return False
    return True


def open_with_gh(root: Path, request: PullRequest, file: str) -> str:
    """Commit `file` to the request's branch, push it and open the request, unless it is open.
    Returns its address.

    What is checked out stays checked out, and what else changed stays out of the commit. Raises
    CannotOpen.
    """
    if _run(root, "git", "rev-list", "--max-count=1", "HEAD", "--not", "--remotes"):
        raise CannotOpen("as it would hold commits of yours that were not pushed: push them first")
    blob = _run(root, "git", "hash-object", "-w", "--", file)
    prefix = _run(root, "git", "rev-parse", "--show-prefix")
    entry = _run(root, "git", "ls-tree", "HEAD", "--", file).split(" ")[0] or "100644"
    tree = _tree(root, f"{prefix}{file}", blob, entry)
    commit = _run(root, "git", "commit-tree", tree, "-p", "HEAD", "-m", request.title)
    _run(root, "git", "push", "--force", "origin", f"{commit}:refs/heads/{request.branch}")
    there = ("--head", request.branch, "--state", "open", "--json", "url", "--jq", ".[].url")
    if address := _run(root, "gh", "pr", "list", *there):
        return address
    options = ("--head", request.branch, "--title", request.title, "--body-file", "-")
    return _run(root, "gh", "pr", "create", *options, stdin=request.body)


def _tree(root: Path, path: str, blob: str, mode: str) -> str:
    """HEAD's tree with one file changed, made in an index of its own."""
    index = Path(_run(root, "git", "rev-parse", "--absolute-git-dir")) / "slipway-promote-index"
    variables = {"GIT_INDEX_FILE": str(index)}
    try:
        _run(root, "git", "read-tree", "HEAD", variables=variables)
        entry = f"{mode},{blob},{path}"
        _run(root, "git", "update-index", "--add", "--cacheinfo", entry, variables=variables)
        return _run(root, "git", "write-tree", variables=variables)
    finally:
        index.unlink(missing_ok=True)


def _run(
    root: Path, *command: str, stdin: str = "", variables: dict[str, str] | None = None
) -> str:
    try:
        done = subprocess.run(
            command,
            cwd=root,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            env={**os.environ, **(variables or {})},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotOpen(f"{' '.join(command[:2])}: {error}") from error
    if done.returncode != 0:
        raise CannotOpen(f"{' '.join(command[:2])}: {done.stderr.strip()}")
    return done.stdout.strip()
