"""What was done to environments, and is kept: smoke tests, promotions, rollbacks."""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Protocol

Kind = Literal["smoke", "promotion", "rollback"]
STAMP = "%Y%m%dT%H%M%S.%fZ"


@dataclass(frozen=True)
class Record:
    """One such event. `fields` is the object that the command prints with `--json`."""

    kind: Kind
    environment: str
    release: str
    """A version, or `working-tree`."""
    at: datetime
    """In UTC."""
    ok: bool
    fields: Mapping[str, Any]

    def key(self) -> str:
        """Where it is kept, below the store's root. Keys of one kind sort by time."""
        return f"{folder(self.kind, self.environment)}{self.at.astimezone(UTC):{STAMP}}.json"

    def text(self) -> str:
        return json.dumps(
            {
                "kind": self.kind,
                "environment": self.environment,
                "release": self.release,
                "at": self.at.astimezone(UTC).isoformat(),
                "ok": self.ok,
                "fields": self.fields,
            },
            indent=2,
        )

    @classmethod
    def parse(cls, content: bytes, where: str) -> "Record":
        """Raises ValueError, which says `where`, if it is not what `text` writes."""
        try:
            value = json.loads(content)
            return cls(
                value["kind"],
                value["environment"],
                value["release"],
                datetime.fromisoformat(value["at"]),
                value["ok"] is True,
                dict(value["fields"]),
            )
        except (TypeError, KeyError, ValueError) as error:
            told = f"{where} is not a record: {type(error).__name__}: {error}"
            raise ValueError(told) from error


class Records(Protocol):
    """A place where records are kept. Nothing in it is ever changed."""

    def keep(self, record: Record) -> str:
        """Store it; return where it is, for people."""

    def of(self, kind: Kind, environment: str) -> Iterator[Record]:
        """The newest first. Raises ValueError at one that cannot be read."""


@dataclass(frozen=True)
class FileRecords:
    """Records of environments that are not on AWS, in a folder of the project."""

    root: Path

    def keep(self, record: Record) -> str:
        target = self.root / record.key()
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=target.parent, prefix=".")
        with os.fdopen(handle, "w") as file:
            file.write(record.text())
            file.flush()
            os.fsync(file.fileno())
        Path(partial).rename(target)
        return str(target)

    def of(self, kind: Kind, environment: str) -> Iterator[Record]:
        files = (self.root / folder(kind, environment)).glob("[!.]*.json")
        for file in sorted(files, reverse=True):
            yield Record.parse(file.read_bytes(), str(file))


def folder(kind: Kind, environment: str) -> str:
    return f"{kind}/{environment}/"


def file_records(project: Path) -> FileRecords:
    return FileRecords(project / ".slipway/records")
