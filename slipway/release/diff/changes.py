"""The changes that a diff consists of: for users, and of objects by field."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from slipway.untrusted import parse_json

Objects = Mapping[tuple[str, str, str], Any]
"""Kubernetes objects or CloudFormation resources, by chart or stack, kind and name."""
Verb = Literal["added", "removed", "changed"]
LONGEST = 120
"""Characters of a value that are shown."""
MISSING = object()
"""No value at all, which null is not."""


class UserChange(NamedTuple):
    """A change that users see, in their words."""

    verb: Verb
    subject: str
    """`profile vscode`, `route /code`, …"""
    text: str

    def as_json(self) -> dict[str, Any]:
        return {"change": self.verb, "subject": self.subject, "text": self.text}


class FieldChange(NamedTuple):
    """A value that differs, as it is shown. None: it is not there."""

    path: str
    """`spec.containers[hub].image`"""
    before: str | None
    after: str | None


class ObjectChange(NamedTuple):
    """A change of a Kubernetes object or a CloudFormation resource."""

    verb: Verb
    place: str
    """The object's chart, or the resource's stack."""
    kind: str
    name: str
    fields: tuple[FieldChange, ...] = ()

    def as_json(self) -> dict[str, Any]:
        fields = [{"path": f.path, "from": f.before, "to": f.after} for f in self.fields]
        key = {"place": self.place, "kind": self.kind, "name": self.name}
        return {"change": self.verb, **key, "fields": fields}


def object_changes(before: Objects, after: Objects) -> list[ObjectChange]:
    """What differs, in the order of the keys."""
    changes: list[ObjectChange] = []
    for key in sorted({*before, *after}):
        if key not in before:
            changes.append(ObjectChange("added", *key))
        elif key not in after:
            changes.append(ObjectChange("removed", *key))
        elif fields := tuple(field_changes(before[key], after[key])):
            changes.append(ObjectChange("changed", *key, fields))
    return changes


def field_changes(before: Any, after: Any, path: str = "") -> Iterator[FieldChange]:
    """The values that differ. JSON in a text is compared by field, lists of named items by name.

    deepdiff would replace these lines, and takes a second to import: decision 0022.
    """
    if before == after:
        return
    old, new = _fields(before), _fields(after)
    if old is None or new is None:
        shown_or_none = (None if value is MISSING else shown(value) for value in (before, after))
        yield FieldChange(path, *shown_or_none)
        return
    for name in {**old, **new}:
        below = f"{path}{name}" if name.startswith("[") else f"{path}.{name}".lstrip(".")
        yield from field_changes(old.get(name, MISSING), new.get(name, MISSING), below)


def _fields(value: Any) -> dict[str, Any] | None:
    """What a value consists of, by the end of its path; None if it is shown whole."""
    if isinstance(value, str) and value.startswith(("{", "[")):
        try:
            value = parse_json(value)  # a file in a ConfigMap
        except ValueError:
            return None
    if isinstance(value, dict) and value:
        return value
    if isinstance(value, list) and value:
        names = [item.get("name") for item in value if isinstance(item, dict)]
        if len(names) == len(value) == len(set(names)) and None not in names:
            return {f"[{name}]": item for name, item in zip(names, value, strict=True)}
        return {f"[{index}]": item for index, item in enumerate(value)}
    return None


def shown(value: Any) -> str:
    """In one line of at most `LONGEST` characters."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
