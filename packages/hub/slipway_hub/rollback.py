"""Which snapshot a rollback to a release needs, if it needs one, and what users lose by it."""

import sqlite3
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from slipway_hub import database
from slipway_hub.snapshots import LEFT, Snapshots, taken_at


@dataclass(frozen=True)
class Fitting:
    """`snapshot` was taken when the release was last left; None if it never was."""

    release: str
    snapshot: str | None = None
    at: str | None = None
    """When, as ISO 8601 writes it."""
    same_schema: bool = False
    """Whether the release understands the database as it is now: then nothing need be restored."""
    users_since: tuple[str, ...] = ()
    """Who came since then."""
    users_gone: tuple[str, ...] = ()
    """Who was removed since then, and would be there again."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def fitting(snapshots: Snapshots, release: str, now: Path | None = None) -> Fitting:
    """`now` is the database as it is; left out, the newest snapshot stands for it.

    Raises BadSnapshotError if what is needed is missing or no database: it is never guessed.
    """
    names = snapshots.names()
    left = sorted(name for name in names if name.endswith(f"-{LEFT}{release}.sqlite"))
    if not left:
        return Fitting(release)
    with TemporaryDirectory(prefix="slipway-rollback-") as folder:
        then = database.fetch(snapshots, left[-1], Path(folder) / "then.sqlite")
        newest = now or database.fetch(snapshots, names[-1], Path(folder) / "now.sqlite")
        before, after = _users(then), _users(newest)
        return Fitting(
            release,
            left[-1],
            taken_at(left[-1]).isoformat(),
            _schema(then) == _schema(newest),
            tuple(sorted(after - before)),
            tuple(sorted(before - after)),
        )


def _users(file: Path) -> set[str]:
    return {str(row[0]) for row in _query(file, "SELECT name FROM users")}


def _schema(file: Path) -> set[str]:
    return {str(row[0]) for row in _query(file, "SELECT version_num FROM alembic_version")}


def _query(file: Path, query: str) -> list[Any]:
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=rw", uri=True, timeout=60)) as connection:
            return connection.execute(query).fetchall()
    except sqlite3.DatabaseError as error:
        raise database.BadSnapshotError(f"{file.name}: {error}") from error
