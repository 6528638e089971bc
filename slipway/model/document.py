"""A YAML file as plain data that remembers where each value stands.

Scalars follow YAML 1.2's core schema, so that `no`, `on`, `012` and `1:30` are what they look
like: text. Numbers that would lose something (leading zeros, underscores) stay text as well.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

import yaml

from slipway.model.problems import Finding, InvalidProject, Path, Problem, dotted

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MOST_BYTES = 4 * 2**20
_MOST_NODES = 200_000
"""Values, with each that an alias repeats."""
_MOST_CHARACTERS = 16 * 2**20
"""Of all keys and values, with those that aliases repeat."""
_DEEPEST = 50
"""Lists and mappings within each other."""
_TOO_DEEP = ("is nested too deeply", "flatten it")
_TOO_LARGE = ("is too large", "check for anchors that repeat themselves")
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*)\.[0-9]+([eE][-+]?[0-9]+)?")
_TAG = "tag:yaml.org,2002:"


Place = tuple[int, int]
"""Line and column, from 1."""


@dataclass
class Document:
    """`data` holds dicts, tuples and scalars; `source` gives a scalar as it was written."""

    name: str
    data: Any = None
    source: dict[Path, str] = field(default_factory=dict)
    _values: dict[Path, Place] = field(default_factory=dict)
    _keys: dict[Path, Place] = field(default_factory=dict)

    def problem(self, path: Path, message: str, hint: str = "", *, at_key: bool = False) -> Problem:
        """A problem at `path`, or at the closest place above it that exists in the file."""
        return Problem(self.name, *self._place(path, at_key), dotted(path), message, hint)

    def refuse(self, findings: Iterable[Finding]) -> None:
        """Raises InvalidProject with their places if there are any."""
        if problems := [self.problem(f.path, f.message, f.hint, at_key=f.at_key) for f in findings]:
            raise InvalidProject(problems)

    def _place(self, path: Path, at_key: bool) -> Place:
        if at_key and path in self._keys:
            return self._keys[path]
        if path in self._values:
            return self._values[path]
        # A key that is missing belongs to the one above it, not to where its value starts.
        above = [path[:end] for end in reversed(range(len(path)))]
        places = (self._keys.get(part) or self._values.get(part) for part in above)
        return next(filter(None, places), (1, 1))


def read(file: FilePath, name: str) -> Document:
    """Read `file`, called `name` in messages. Raises InvalidProject with positioned problems."""
    try:
        with file.open("rb") as opened:
            content = opened.read(_MOST_BYTES + 1)
    except OSError as error:
        message = f"cannot be read ({error.strerror})"
        raise InvalidProject.of_file(name, "", message, "check that it exists") from error
    return parse(content, name)


def parse(content: bytes, name: str) -> Document:
    """Parse the bytes of a YAML file. Raises InvalidProject with positioned problems."""
    if len(content) > _MOST_BYTES:
        message = f"has more than {_MOST_BYTES:,} bytes"
        raise InvalidProject.of_file(name, "", message, "see what fills it")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8", "replace")
        raise _invalid(name, before, "is not UTF-8 text", "save the file as UTF-8") from error
    try:
        check_limits(text, name)
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        message = f"is not valid YAML: {error.problem or error.context}"
        hint = "check indentation, quotes and brackets"
        raise InvalidProject([Problem(name, *place, "", message, hint)]) from error
    except yaml.reader.ReaderError as error:
        message = f"holds a character that YAML does not allow (U+{_code(error.character):04X})"
        raise _invalid(name, text[: error.position], message, "remove it") from error
    if node is None:
        hint = "see docs/reference.md for what belongs into it"
        raise InvalidProject.of_file(name, "", "is empty", hint)
    document = Document(name)
    builder = _Builder(document)
    document.data = builder.build(node, ())
    if builder.problems:
        raise InvalidProject(builder.problems)
    return document


def check_limits(text: str, name: str) -> None:
    """Refuse YAML that is too deep or too much for those who build values of it.

    PyYAML's composer calls itself for each level, in C, until the stack is used up and the process
    ends. Raises InvalidProject, and what PyYAML raises for what is no YAML.
    """
    depth = nodes = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        nodes += isinstance(event, yaml.NodeEvent)
        if depth > _DEEPEST or nodes > _MOST_NODES:
            mark = event.start_mark
            place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            problem = _TOO_DEEP if depth > _DEEPEST else _TOO_LARGE
            raise InvalidProject([Problem(name, *place, "", *problem)])


def _code(character: Any) -> int:
    return character if isinstance(character, int) else ord(character)


def _invalid(name: str, before: str, message: str, hint: str) -> InvalidProject:
    line = before.count("\n") + 1
    column = len(before) - (before.rfind("\n") + 1) + 1
    return InvalidProject([Problem(name, line, column, "", message, hint)])


class _Builder:
    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []
        self._open: set[int] = set()
        self._nodes = self._characters = 0
        self._stopped = False

    def build(self, node: yaml.Node, path: Path) -> Any:
        self._nodes += 1
        if isinstance(node, yaml.ScalarNode):
            self._characters += len(node.value)
        if self._stop_at_limits(path):
            return None
        self.document._values.setdefault(path, _place_of(node))
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if id(node) in self._open:
            self._report(path, "contains itself through an alias", "write the value out")
            return None
        if not node.tag.startswith((_TAG + "map", _TAG + "seq")):
            self._report(path, f"has the tag {node.tag}", "remove the tag")
            return None
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, path)
            return tuple(self.build(item, (*path, i)) for i, item in enumerate(node.value))
        finally:
            self._open.discard(id(node))

    def _stop_at_limits(self, path: Path) -> bool:
        """What aliases repeat counts each time: it is there each time in what is built."""
        too_deep = len(path) > _DEEPEST
        if not self._stopped and (
            too_deep or self._nodes > _MOST_NODES or self._characters > _MOST_CHARACTERS
        ):
            self._stopped = True
            self._report(path, *(_TOO_DEEP if too_deep else _TOO_LARGE))
        return self._stopped

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self.document._keys[(*path, "?")] = _place_of(key_node)
                self._report((*path, "?"), "is not a plain key", "write a name before the colon")
                continue
            key = key_node.value
            below = (*path, key)
            if key in data:
                message = f"is here twice, first on line {self.document._keys[below][0]}"
                place, hint = _place_of(key_node), "remove one of the two"
                self.problems.append(
                    Problem(self.document.name, *place, dotted(below), message, hint)
                )
                continue
            self._characters += len(key)
            self.document._keys[below] = _place_of(key_node)
            data[key] = self.build(value_node, below)
        return data

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        text: str = node.value
        self.document.source[path] = text
        kind = node.tag.removeprefix(_TAG)
        if node.tag == kind or kind.startswith("python/"):
            self._report(path, f"has the tag {node.tag}", "remove the tag")
            return None
        if kind == "null":
            return None
        if kind == "bool" and text.lower() in ("true", "false"):
            return text.lower() == "true"
        if kind == "int" and _INTEGER.fullmatch(text):
            return int(text) if len(text) < 20 else text
        if kind == "float" and _DECIMAL.fullmatch(text):
            return float(text)
        return text

    def _report(self, path: Path, message: str, hint: str) -> None:
        self.problems.append(self.document.problem(path, message, hint, at_key=True))


def _place_of(node: yaml.Node) -> Place:
    return node.start_mark.line + 1, node.start_mark.column + 1
