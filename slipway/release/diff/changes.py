"""Changes, as all three parts of a diff have them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Things = Mapping[tuple[str, str, str], Any]
"""By place (chart or stack), kind and name."""
What = Literal["added", "removed", "changed"]
MARKS: dict[What, str] = {"added": "+", "removed": "-", "changed": "~"}
LONGEST = 120
"""Characters of a value that are shown."""
NOTHING = "—"


@dataclass(frozen=True)
class Field:
    """A value that differs, as it is shown. None: it is not there."""

    path: str
    before: str | None
    after: str | None

    def as_json(self) -> dict[str, Any]:
        return {"path": self.path, "from": self.before, "to": self.after}


@dataclass(frozen=True)
class ForUsers:
    what: What
    subject: str
    """`profile vscode`, `route /code`, …"""
    text: str

    def as_json(self) -> dict[str, Any]:
        return {"change": self.what, "subject": self.subject, "text": self.text}


@dataclass(frozen=True)
class Thing:
    """A Kubernetes object or a CloudFormation resource. `place` is its chart or stack."""

    what: What
    place: str
    kind: str
    name: str
    fields: tuple[Field, ...] = ()

    def as_json(self) -> dict[str, Any]:
        value = asdict(self) | {"fields": [field.as_json() for field in self.fields]}
        return {"change": value.pop("what"), **value}


def things(before: Things, after: Things) -> list[Thing]:
    """What differs, in the order of the keys."""
    found: list[Thing] = []
    for key in sorted({*before, *after}):
        if key not in before:
            found.append(Thing("added", *key))
        elif key not in after:
            found.append(Thing("removed", *key))
        elif fields := tuple(differences(before[key], after[key])):
            found.append(Thing("changed", *key, fields))
    return found


def differences(before: Any, after: Any, path: str = "") -> Iterator[Field]:
    """The values that differ, by their path: `spec.containers[hub].image`."""
    if before == after:
        return
    old, new = _parts(before), _parts(after)
    if old is None or new is None:
        yield Field(path, shown(before), shown(after))
        return
    for name in (*old, *(name for name in new if name not in old)):
        below = f"{path}{name}" if name.startswith("[") else f"{path}.{name}".lstrip(".")
        yield from differences(old.get(name, _Absent), new.get(name, _Absent), below)


class _Absent:
    """No value at all, which null is not."""


def _parts(value: Any) -> dict[str, Any] | None:
    """What a value consists of, or None if it is shown whole."""
    if isinstance(value, str) and value.startswith(("{", "[")):
        try:
            value = json.loads(value)  # a file in a ConfigMap
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


def shown(value: Any) -> str | None:
    """In one line of at most `LONGEST` characters."""
    if value is _Absent:
        return None
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
