"""An OSV export: a zip of records, one JSON file each, of what is known of packages.

https://google.github.io/osv.dev/data/ https://ossf.github.io/osv-schema/
"""

import json
import lzma
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

MOST_OF_A_RECORD = 16 * 2**20
"""Bytes. The largest known one has less than two million."""
MOST_OF_ALL = 64 * 2**30
DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OverflowError, struct.error),
    *(RuntimeError, NotImplementedError),  # an encryption or a compression that it does not know
)
"""What zipfile raises for an archive that is none, or is cut."""


class DatabaseError(Exception):
    """Why a file is no OSV export, and what to do."""


@dataclass(frozen=True)
class Statement:
    """What a record says of one package: `affected`, with the record's names for the fault."""

    id: str
    aliases: frozenset[str]
    severity: str | None
    """In words, where the record has some."""
    affected: dict[str, Any]


@dataclass
class Database:
    """What a file holds: of which ecosystems, how new, and about the packages that were asked."""

    file: Path
    records: int = 0
    newest: datetime | None = None
    ecosystems: Counter[str] = field(default_factory=Counter)
    """Records that are of an ecosystem alone, by ecosystem."""
    statements: dict[tuple[str, str], list[Statement]] = field(default_factory=dict)
    """By ecosystem and package."""

    def covers(self, ecosystem: str) -> bool:
        """Whether the export is of the ecosystem.

        That a record names it is not enough: a record of several ecosystems stands in the exports
        of each. One that is of it alone stands in no other.
        """
        return self.ecosystems[ecosystem] > 0

    def as_json(self) -> dict[str, Any]:
        return {
            "file": str(self.file),
            "records": self.records,
            "newest": self.newest and self.newest.isoformat(),
            "ecosystems": dict(sorted(self.ecosystems.items())),
        }


def read(file: Path, wanted: Collection[tuple[str, str]]) -> Database:
    """What an export knows of the packages `wanted`: pairs of ecosystem and name.

    Raises DatabaseError.
    """
    database = Database(file)
    try:
        with zipfile.ZipFile(file) as archive:
            for name, content in _entries(archive):
                _add(database, _record(name, content), wanted)
    except OSError as error:
        raise DatabaseError(f"{file}: {error.strerror or error}") from None
    except DAMAGED as error:
        raise DatabaseError(f"{file} is no whole zip: {error}; download it again") from None
    except ValueError as error:
        raise DatabaseError(f"{file} is no OSV export: {error}") from None
    if database.newest is None:
        raise DatabaseError(f"{file} is no OSV export: it has no record")
    return database


def _entries(archive: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    """The records' names and bytes. An archive says itself how large they are; that is not
    believed."""
    total = 0
    for entry in archive.infolist():
        if not entry.filename.endswith(".json"):
            continue
        with archive.open(entry) as opened:
            content = opened.read(MOST_OF_A_RECORD + 1)
        total += len(content)
        if len(content) > MOST_OF_A_RECORD or total > MOST_OF_ALL:
            raise ValueError(f"{entry.filename!r} makes it too large to be one")
        yield entry.filename, content


def _record(name: str, content: bytes) -> dict[str, Any]:
    try:
        record = json.loads(content)
        if isinstance(record["id"], str) and isinstance(record["affected"], list):
            return dict(record)
    except (ValueError, RecursionError, KeyError, TypeError):
        pass
    raise ValueError(f"{name!r} is no record")


def _add(database: Database, record: dict[str, Any], wanted: Collection[tuple[str, str]]) -> None:
    try:
        modified = _time(record["modified"])
        places = [
            (*_place(affected["package"]), affected)
            for affected in record["affected"]
            if "package" in affected
        ]
        database.records += 1
        database.newest = max(modified, database.newest or modified)
        if len(ecosystems := {ecosystem for ecosystem, _, _ in places}) == 1:
            database.ecosystems.update(ecosystems)
        if record.get("withdrawn"):
            return
        for ecosystem, name, affected in places:
            if (ecosystem, name) in wanted:
                statement = _statement(record, affected)
                database.statements.setdefault((ecosystem, name), []).append(statement)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"the record {record['id']!r} is damaged: {error!r}") from None


def _time(written: str) -> datetime:
    time = datetime.fromisoformat(written)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _place(package: dict[str, str]) -> tuple[str, str]:
    """Ecosystem and name as `Package` has them: without Ubuntu's mark of long support,
    and with PyPI's names in their normal form, which not every record has."""
    ecosystem, name = package["ecosystem"].removesuffix(":LTS"), package["name"]
    return ecosystem, canonicalize_name(name) if ecosystem == "PyPI" else name


def _statement(record: dict[str, Any], affected: dict[str, Any]) -> Statement:
    """Debian's and Ubuntu's records name the fault as `upstream`."""
    aliases = [*record.get("aliases", []), *record.get("upstream", [])]
    severity = (record.get("database_specific") or {}).get("severity")
    severity = severity or (affected.get("ecosystem_specific") or {}).get("urgency")
    return Statement(
        record["id"],
        frozenset({record["id"], *map(str, aliases)}),
        severity if isinstance(severity, str) else None,
        affected,
    )
