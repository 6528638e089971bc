"""A diff for people: on a terminal, or in Markdown for a pull request."""

import html
from itertools import accumulate

from rich.console import Console
from rich.text import Text

from slipway.release.diff.changes import MARKS, NOTHING, Field, Thing
from slipway.release.diff.compare import Diff

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
    for change in diff.users:
        line(f"  {MARKS[change.what]} {change.text}", STYLES[change.what])
    for heading, things in (
        ("Kubernetes", diff.kubernetes),
        ("CloudFormation", diff.cloudformation),
    ):
        if things:
            line(f"\n{heading}", "bold")
        for thing in things:
            line(f"  {MARKS[thing.what]} {_name(thing)}", STYLES[thing.what])
            for field in thing.fields[:MOST_FIELDS]:
                line(f"      {_field(field)}", "dim")
            if (more := len(thing.fields) - MOST_FIELDS) > 0:
                line(f"      and {more} more (--json has all)", "dim")


def _title(diff: Diff) -> str:
    sides = f"{diff.environment}: {diff.before} → {diff.after}"
    return f"{sides}: no change" if diff.empty else sides


def _name(thing: Thing) -> str:
    return f"{thing.place}: {thing.kind} {thing.name}"


def _field(field: Field) -> str:
    old, new = (NOTHING if value is None else value for value in (field.before, field.after))
    return f"{field.path}: {old} → {new}"


def to_markdown(diff: Diff) -> str:
    """Short enough for a comment on GitHub: what does not fit is counted."""
    parts = [f"### {_title(diff)}", *(f"_{note}_" for note in diff.notes)]
    if diff.users:
        lines = [f"- {_safe(change.text)}" for change in diff.users]
        parts.append("\n".join(_that_fit(lines, "- ")))
    elif not diff.empty:
        parts.append("Users see no change.")
    for heading, things in (
        ("Kubernetes", diff.kubernetes),
        ("CloudFormation", diff.cloudformation),
    ):
        if things:
            parts.append(_folded(heading, things))
    return "\n\n".join(parts)


def _safe(text: str) -> str:
    """A title out of somebody's catalog makes no elements and calls nobody."""
    return html.escape(" ".join(text.split()), quote=False).replace("@", "@\u200b")


def _folded(heading: str, things: list[Thing]) -> str:
    lines: list[str] = []
    for thing in things:
        lines.append(f"{SIGNS[thing.what]} {_name(thing)}")
        lines += [f"      {_field(field)}" for field in thing.fields]
    kept = [line.replace("```", "'''") for line in _that_fit(lines, "# ")]
    block = "\n".join(["```diff", *kept, "```"])
    count = f"{heading}: {len(things)} changed"
    return f"<details><summary>{count}</summary>\n\n{block}\n\n</details>"


def _that_fit(lines: list[str], begin: str) -> list[str]:
    """The first ones, and a line that counts the rest."""
    sizes = accumulate(len(line.encode()) + 1 for line in lines)
    kept = [line for line, size in zip(lines, sizes, strict=True) if size < MOST_BYTES]
    if more := len(lines) - len(kept):
        kept.append(f"{begin}and {more} more: `slipway diff --json` has all")
    return kept
