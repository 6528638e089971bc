"""A diff for people: on a terminal, or in Markdown for a pull request."""

import html
from itertools import accumulate

from rich.console import Console
from rich.text import Text

from slipway.release.diff.changes import FieldChange, ObjectChange
from slipway.release.diff.compare import Diff

ABSENT = "—"
MARKS = {"added": "+", "removed": "-", "changed": "~"}
STYLES = {"added": "green", "removed": "red", "changed": "yellow"}
MOST_FIELDS = 8
"""Of an object, that are shown on a terminal."""
MOST_BYTES = 18_000
"""Of each of three parts: GitHub takes 65,536 characters as a comment."""
SIGNS = {"added": "+", "removed": "-", "changed": "!"}
"""What GitHub colours in a block of `diff`."""


def to_terminal(diff: Diff, console: Console) -> None:
    def line(text: str, style: str = "") -> None:
        console.print(Text(text, style), soft_wrap=True)

    line(_title(diff), "bold")
    for note in diff.notes:
        line(note, "dim")
    if diff.users:
        line("\nUsers", "bold")
    for seen in diff.users:
        line(f"  {MARKS[seen.verb]} {seen.text}", STYLES[seen.verb])
    for heading, changes in diff.deployed.items():
        line(f"\n{heading}", "bold")
        for change in changes:
            line(f"  {MARKS[change.verb]} {_name(change)}", STYLES[change.verb])
            for field in change.fields[:MOST_FIELDS]:
                line(f"      {_field(field)}", "dim")
            if (more := len(change.fields) - MOST_FIELDS) > 0:
                line(f"      and {more} more (--json has all)", "dim")


def _title(diff: Diff) -> str:
    title = f"{diff.environment}: {diff.before} → {diff.after}"
    return f"{title}: no change" if diff.empty else title


def _name(change: ObjectChange) -> str:
    return f"{change.place}: {change.kind} {change.name}"


def _field(field: FieldChange) -> str:
    old, new = (ABSENT if value is None else value for value in (field.before, field.after))
    return f"{field.path}: {old} → {new}"


def to_markdown(diff: Diff) -> str:
    """Short enough for a comment on GitHub: what does not fit is counted."""
    parts = [f"### {_title(diff)}", *(f"_{note}_" for note in diff.notes)]
    if diff.users:
        lines = [f"- {_safe(change.text)}" for change in diff.users]
        parts.append("\n".join(_fitting(lines, "- ")))
    elif not diff.empty:
        parts.append("Users see no change.")
    parts += [_folded(heading, changes) for heading, changes in diff.deployed.items()]
    return "\n\n".join(parts)


def _safe(text: str) -> str:
    """A title out of somebody's catalog makes no elements and calls nobody."""
    return html.escape(" ".join(text.split()), quote=False).replace("@", "@\u200b")


def _folded(heading: str, changes: list[ObjectChange]) -> str:
    lines: list[str] = []
    for change in changes:
        lines.append(f"{SIGNS[change.verb]} {_name(change)}")
        lines += [f"      {_field(field)}" for field in change.fields]
    fitting = [line.replace("```", "'''") for line in _fitting(lines, "# ")]
    block = "\n".join(["```diff", *fitting, "```"])
    count = f"{heading}: {len(changes)} changed"
    return f"<details><summary>{count}</summary>\n\n{block}\n\n</details>"


def _fitting(lines: list[str], begin: str) -> list[str]:
    """The first ones, and a line that counts the rest."""
    sizes = accumulate(len(line.encode()) + 1 for line in lines)
    fitting = [line for line, size in zip(lines, sizes, strict=True) if size < MOST_BYTES]
    if more := len(lines) - len(fitting):
        fitting.append(f"{begin}and {more} more: `slipway diff --json` has all")
    return fitting
