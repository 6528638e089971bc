"""The `release:` of an environment's file: read, and set with nothing else changed."""

import contextlib
import difflib
import fcntl
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from slipway.facts import WORKING_TREE
from slipway.model.document import parse
from slipway.model.problems import InvalidProject

KEY = "release"
BEFORE = "target"
"""Every environment has this key: a release that was not named yet is named below it."""
_QUOTES = {"'": "'", '"': '"'}


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
        file = root / f"environments/{environment}.yaml"
        return cls(file, file.read_bytes())

    @property
    def name(self) -> str:
        return f"{self.file.parent.name}/{self.file.name}"

    @property
    def release(self) -> str:
        """Raises InvalidProject."""
        return str(parse(self.content, self.name).data.get(KEY, WORKING_TREE))

    def with_values(self, values: Mapping[str, str | None]) -> bytes:
        """The content with top-level keys set; None takes a key's line away. Raises PinError."""
        text, wanted = self.content.decode(), {**parse(self.content, self.name).data, **values}
        for key, value in values.items():
            text = _without(text, key) if value is None else _with(text, key, value)
        with contextlib.suppress(InvalidProject):
            found = parse(text.encode(), self.name).data
            if found == {key: value for key, value in wanted.items() if value is not None}:
                return text.encode()
        told = ", ".join(f"{key}: {value}" for key, value in values.items() if value)
        raise PinError(f"{self.name} is written in a way that cannot be edited: write {told}")

    def set(self, values: Mapping[str, str | None]) -> None:
        """Write the file, whole or not at all, if it is still what was read. Raises PinError."""
        changed = self.with_values(values)
        with _locked(self.file.parent):
            if self.file.read_bytes() != self.content:
                raise PinError(
                    f"{self.name} was changed by somebody else in the meantime, and was left as it "
                    "is: look at it, then run this again"
                )
            _replace(self.file, changed)


def _with(text: str, key: str, value: str) -> str:
    node = _mapping(text)
    for key_node, value_node in node.value:
        if key_node.value == key:
            start, end = value_node.start_mark.index, value_node.end_mark.index
            quote = _QUOTES.get(text[start], "")
            return f"{text[:start]}{quote}{value}{quote}{text[end:]}"
    anchor = next((v for k, v in node.value if k.value == BEFORE), None)
    if anchor is None:
        raise PinError(f"there is no {BEFORE}: to write {key}: below")
    end = anchor.end_mark.index
    if node.flow_style:
        return f"{text[:end]}, {key}: {value}{text[end:]}"
    line = text.find("\n", end)
    if line < 0:
        return f"{text}\n{key}: {value}"
    ending = "\r\n" if text[line - 1] == "\r" else "\n"
    return f"{text[: line + 1]}{key}: {value}{ending}{text[line + 1 :]}"


def _without(text: str, key: str) -> str:
    """Without the key's line, if it has one of its own."""
    for key_node, value_node in _mapping(text).value:
        if key_node.value == key:
            start = text.rfind("\n", 0, key_node.start_mark.index) + 1
            end = text.find("\n", value_node.end_mark.index)
            return text[:start] + (text[end + 1 :] if end >= 0 else "")
    return text


def _mapping(text: str) -> yaml.MappingNode:
    # The marks of Python's own loader count characters of the text; a mark at its start counts.
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(node, yaml.MappingNode):
        raise PinError("the file holds no keys")
    return node


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Between reading a file and putting another in its place, for whoever does the same."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _replace(file: Path, content: bytes) -> None:
    handle, partial = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    try:
        with os.fdopen(handle, "wb") as written:
            written.write(content)
            written.flush()
            os.fchmod(written.fileno(), file.stat().st_mode & 0o777)
            os.fsync(written.fileno())
        Path(partial).replace(file)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


def changed_lines(before: bytes, after: bytes, name: str) -> list[str]:
    """The change as a unified diff, for people."""
    old, new = before.decode().splitlines(), after.decode().splitlines()
    return list(difflib.unified_diff(old, new, name, name, n=1, lineterm=""))
