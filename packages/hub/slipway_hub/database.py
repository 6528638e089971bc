"""The hub's database: snapshots of it, and what happens to it before the hub starts.

SQLite's own backup makes the copies, so that a hub that is writing does not matter:
https://www.sqlite.org/backup.html
"""

import logging
import re
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path

import jupyterhub

from slipway_hub.snapshots import LEFT, Snapshots

FILE = "jupyterhub.sqlite"
RELEASE = ".release"
"""Beside the database: the release whose hub used it last."""
RESTORED = "slipway_restored"
"""A table in a database that a rollback has put back."""

_REVISION = re.compile(r"^(revision|down_revision) *= *['\"](\w+)['\"]", re.MULTILINE)

log = logging.getLogger("slipway.database")


class BadSnapshotError(Exception):
    """A copy of the database that SQLite does not accept."""


def prepare(database: Path, snapshots: Snapshots, release: str = "", wanted: str = "") -> None:
    """Before a hub starts: restore a database that is gone, save one that will be upgraded or whose
    release is left for `release`, and put the snapshot `wanted` in its place, once.

    Raises BadSnapshotError when there are snapshots and none of them can be read, or not the one
    that is wanted: starting with an empty database would forget every user's servers and tokens.
    """
    if not database.exists():
        _restore(database, snapshots)
    if database.exists():
        left = _last_release(database)
        if wanted and restored_from(database) != wanted:
            _put_back(database, snapshots, wanted)
        elif left not in ("", release):
            name = save(database, snapshots, f"{LEFT}{left}")
            log.info("%s follows %s: saved as %s", release, left, name)
        elif _will_be_upgraded(database):
            name = save(database, snapshots, "before-upgrade")
            log.info("the database will be upgraded: saved as %s", name)
    if release:
        database.with_name(RELEASE).write_text(release)


def _last_release(database: Path) -> str:
    """The release whose hub used the volume last; empty if it is not known."""
    try:
        return database.with_name(RELEASE).read_text().strip()
    except FileNotFoundError:
        return ""


def _put_back(database: Path, snapshots: Snapshots, name: str) -> None:
    """Restore a snapshot for a rollback, after the database as it is has been saved.

    The snapshot's name is kept in the database, so that the restore is not done again.
    """
    partial = fetch(snapshots, name, database.with_name(f".{FILE}.partial"))
    log.warning("saved as %s, %s comes back", save(database, snapshots, "before-restore"), name)
    with closing(sqlite3.connect(partial)) as connection, connection:
        connection.execute(f"CREATE TABLE IF NOT EXISTS {RESTORED} (name TEXT, at TEXT)")
        connection.execute(f"INSERT INTO {RESTORED} VALUES (?, datetime('now'))", (name,))  # noqa: S608
    _replace(database, partial)


def restored_from(database: Path) -> str:
    """The snapshot that a rollback put back last; empty if none did."""
    try:
        with closing(_open(database)) as connection:
            query = f"SELECT name FROM {RESTORED} ORDER BY rowid DESC LIMIT 1"  # noqa: S608
            row = connection.execute(query).fetchone()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return ""
        raise
    return str(row[0]) if row else ""


def fetch(snapshots: Snapshots, name: str, file: Path) -> Path:
    """A snapshot, checked, in `file`. Raises BadSnapshotError if it is missing or no database."""
    if name not in snapshots.names():
        raise BadSnapshotError(f"there is no snapshot {name}")
    snapshots.get(name, file)
    try:
        _check(file, empty=False)
    except BadSnapshotError as error:
        file.unlink()
        raise BadSnapshotError(f"the snapshot {name} is no database: {error}") from error
    return file


def save(database: Path, snapshots: Snapshots, occasion: str) -> str:
    """Put a checked copy of the database among the snapshots. Returns its name."""
    with tempfile.TemporaryDirectory(prefix="slipway-database-") as folder:
        copy = Path(folder) / FILE
        with closing(_open(database)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target, pages=1000)
        _check(copy)
        return snapshots.put(copy, occasion)


def keep_saving(database: Path, snapshots: Snapshots, every: float) -> None:
    """Save every so many seconds, for ever. What fails is logged and tried again."""
    while True:
        time.sleep(every)
        try:
            log.info("saved as %s", save(database, snapshots, "timer"))
        except Exception:
            log.exception("the database was not saved")


def _restore(database: Path, snapshots: Snapshots) -> None:
    names = snapshots.names()
    for name in reversed(names):
        try:
            partial = fetch(snapshots, name, database.with_name(f".{FILE}.partial"))
        except BadSnapshotError as error:
            log.error("%s", error)
            continue
        _replace(database, partial)
        log.warning("there was no database: restored %s", name)
        return
    if names:
        raise BadSnapshotError(f"none of {len(names)} snapshots can be read")
    log.info("there is no database and no snapshot: the hub begins anew")


def _replace(database: Path, partial: Path) -> None:
    # What SQLite keeps beside a database would be applied to this one.
    for beside in ("-wal", "-shm", "-journal"):
        database.with_name(f"{FILE}{beside}").unlink(missing_ok=True)
    partial.rename(database)


def _will_be_upgraded(database: Path) -> bool:
    with closing(_open(database)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        if ("alembic_version",) not in tables.fetchall():
            return True  # from before there were schema versions
        rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    return {row[0] for row in rows} != newest_schema()


def newest_schema() -> set[str]:
    """Read from JupyterHub's migrations: asking alembic takes a second, at every start of a hub.

    https://alembic.sqlalchemy.org/en/latest/tutorial.html#create-a-migration-script
    """
    made: dict[str, set[str]] = {"revision": set(), "down_revision": set()}
    folder = Path(jupyterhub.__file__).with_name("alembic") / "versions"
    for script in folder.glob("*.py"):
        for kind, name in _REVISION.findall(script.read_text()):
            made[kind].add(name)
    return made["revision"] - made["down_revision"]


def _open(database: Path) -> sqlite3.Connection:
    """Open it for writing: a hub that was killed while it wrote has left a journal, which the first
    connection has to roll back."""
    return sqlite3.connect(f"file:{database}?mode=rw", uri=True, timeout=60)


def _check(copy: Path, *, empty: bool = True) -> None:
    """`empty`: whether a database that no hub has used yet is one."""
    try:
        with closing(sqlite3.connect(copy)) as connection:
            (answer,) = connection.execute("PRAGMA quick_check").fetchone()
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    except sqlite3.DatabaseError as error:
        raise BadSnapshotError(str(error)) from error
    if answer != "ok":
        raise BadSnapshotError(str(answer))
    if "users" not in tables and (tables or not empty):
        raise BadSnapshotError("it holds no users")
