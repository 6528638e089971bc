"""The `release:` of an environment's file: read, and set with nothing else changed."""

import contextlib
import difflib
import fcntl
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml.comments import CommentedMap

from slipway import files
from slipway.facts import WORKING_TREE, environment_file
from slipway.model.document import parse
from slipway.model.edit import edited
from slipway.model.problems import InvalidProject

KEY = "release"
BELOW = "target"
"""Every environment has this key: one that was not there yet is written above it."""


class PinError(Exception):
    """The file cannot be changed by a program, or somebody else just did; says what to do."""


@dataclass(frozen=True)
class Pin:
    """An environment's file as it was read."""

    file: Path
    content: bytes

    @classmethod
    def read(cls, root: Path, environment: str) -> "Pin":
        """Raises OSError."""
        file = root / environment_file(environment)
        return cls(file, file.read_bytes())

    @property
    def name(self) -> str:
        return f"{self.file.parent.name}/{self.file.name}"

    @property
    def release(self) -> str:
        """Raises InvalidProject."""
        return str(parse(self.content, self.name).data.get(KEY, WORKING_TREE))

    def with_values(self, values: Mapping[str, str | None]) -> bytes:
        """The content with top-level keys set; None takes a key away.

        Raises PinError where any other line would change, be it in its layout.
        """
        old = parse(self.content, self.name).data
        wanted = {key: value for key, value in {**old, **values}.items() if value is not None}
        with contextlib.suppress(InvalidProject, ValueError):
            after = edited(self.content, lambda mapping: _set(mapping, values))
            new = parse(after, self.name).data
            changed = [key for key in values if old.get(key) != new.get(key)]
            both = self.content.decode().splitlines(), after.decode().splitlines()
            lines = [line[0] for line in difflib.ndiff(*both)]
            if new == wanted and max(lines.count("+"), lines.count("-")) <= len(changed):
                return after
        by_hand = ", ".join(f"{key}: {value}" for key, value in values.items() if value)
        raise PinError(f"{self.name} is written in a way that cannot be edited: write {by_hand}")

    def diff(self, values: Mapping[str, str | None]) -> list[str]:
        """What `set` would change, as `diff -u` writes it. Raises PinError."""
        old, new = (text.decode().splitlines() for text in (self.content, self.with_values(values)))
        return list(difflib.unified_diff(old, new, self.name, self.name, n=1, lineterm=""))

    def set(self, values: Mapping[str, str | None]) -> None:
        """Write the file, whole or not at all, if it is still what was read. Raises PinError."""
        changed = self.with_values(values)
        with _locked(self.file.parent):
            if self.file.read_bytes() != self.content:
                raise PinError(
                    f"{self.name} was changed by somebody else in the meantime, and was left as it "
                    "is: look at it, then run this again"
                )
            files.write(self.file, changed)


def _set(mapping: CommentedMap, values: Mapping[str, str | None]) -> None:
    for key, value in values.items():
        before = mapping.get(key)
        if value is None:
            mapping.pop(key, None)
        elif before is not None:
            mapping[key] = type(before)(value)  # in the quotes that it had
        else:
            mapping.insert([*mapping].index(BELOW), key, value)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Between reading a file and putting another in its place, for whoever does the same."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
