"""What is wrong with a file, where, and what to write instead."""

import difflib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Self

Path = tuple[str | int, ...]
"""Keys and list indices from the top of a document to a value."""


def dotted(path: Path) -> str:
    """`("profiles", "lab", "groups", 0)` as `profiles.lab.groups[0]`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong at one place. `line` and `column` count from 1."""

    file: str
    line: int
    column: int
    path: str
    message: str
    hint: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}: "
        path = f"{self.path}: " if self.path else ""
        hint = f", {self.hint}" if self.hint else ""
        return f"{place}{path}{self.message}{hint}"

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class InvalidProject(Exception):  # noqa: N818  (reads as what it is where it is caught)
    """The project's files hold problems; all of them are listed."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))

    @classmethod
    def of_file(cls, file: str, path: str, message: str, hint: str = "") -> Self:
        """One problem of a file that is not on one of its lines, or of a file that is missing."""
        return cls([Problem(file, 1, 1, path, message, hint)])


class Finding(NamedTuple):
    """One thing wrong in a document, before its place there is known."""

    path: Path
    message: str
    hint: str
    at_key: bool = False


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """A remedy for a misspelt name: the closest known one, else those there are."""
    names = sorted(known)
    if close := difflib.get_close_matches(wrong, names, n=1, cutoff=0.6):
        return f"did you mean '{close[0]}'?"
    return "there is " + listed(names) if names else "there is none"


def listed(names: Iterable[str], most: int = 12) -> str:
    """`a, b and c`, cut with a count after `most` names."""
    names = list(names)
    shown = names[:most]
    if len(names) > most:
        return ", ".join(shown) + f" and {len(names) - most} more"
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1] if shown else ""]))
