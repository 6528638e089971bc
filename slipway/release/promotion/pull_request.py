"""The pull request of a promotion: its branch, title and text, and opening it with gh."""

from base64 import b64encode
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from slipway.release.promotion.promote import Promotion
from slipway.toolchain import gh, git

MARKS = {True: "passed", False: "not passed"}


class CannotOpen(Exception):  # noqa: N818
    """Why the pull request is not opened: what git or gh said."""


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
    """The file in base64, for a job that commits it and has nothing else. Raises OSError."""
    return b64encode((root / file).read_bytes()).decode()


def can_open(root: Path) -> bool:
    """Whether gh is installed and logged in."""
    try:
        _gh(root, "auth", "token")
    except CannotOpen:
        return False
    return True


def open_with_gh(root: Path, request: PullRequest, file: str) -> str:
    """Commit `file` to the request's branch, push it and open the request, unless it is open.

    The commit is made in a working tree of its own: what is checked out stays checked out, and what
    else changed stays out of it. Returns the request's address. Raises CannotOpen.
    """
    try:
        _push(root.resolve(), request, file)
    except git.GitError as error:
        raise CannotOpen(str(error)) from None
    opened = ("--head", request.branch, "--state", "open", "--json", "url", "--jq", ".[].url")
    if address := _gh(root, "pr", "list", *opened):
        return address
    options = ("--head", request.branch, "--title", request.title, "--body-file", "-")
    return _gh(root, "pr", "create", *options, stdin=request.body)


def _push(root: Path, request: PullRequest, file: str) -> None:
    if git.run(root, "rev-list", "--max-count=1", "HEAD", "--not", "--remotes"):
        raise CannotOpen("as it would hold commits of yours that were not pushed: push them first")
    with TemporaryDirectory(prefix="slipway-promote-") as folder:
        tree = Path(folder, "tree")
        git.run(root, "worktree", "add", "--quiet", "--detach", str(tree))
        try:
            pinned = tree / root.relative_to(git.top(root)) / file
            pinned.write_bytes((root / file).read_bytes())
            git.run(tree, "add", str(pinned))
            git.run(tree, "commit", "--no-verify", "--allow-empty", "--message", request.title)
            git.run(tree, "push", "--force", "origin", f"HEAD:refs/heads/{request.branch}")
        finally:
            git.run(root, "worktree", "remove", "--force", str(tree))


def _gh(root: Path, *arguments: str, stdin: str = "") -> str:
    try:
        return gh.run(root, *arguments, stdin=stdin)
    except gh.GhError as error:
        raise CannotOpen(str(error)) from None
