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

from slipway_hub.snapshots import Snapshots

FILE = "jupyterhub.sqlite"

_REVISION = re.compile(r"^(revision|down_revision) *= *['\"](\w+)['\"]", re.MULTILINE)

log = logging.getLogger("slipway.database")


class BadSnapshotError(Exception):
    """A copy of the database that SQLite does not accept."""


def prepare(database: Path, snapshots: Snapshots) -> None:
    """Before a hub starts: restore a database that is gone, save one that will be upgraded.

    Raises BadSnapshotError when there are snapshots and none of them can be read: starting with an
    empty database would forget every user's servers and tokens.
    """
    if not database.exists():
        _restore(database, snapshots)
    elif _will_be_upgraded(database):
        name = save(database, snapshots, "before-upgrade")
        log.info("the database will be upgraded: saved as %s", name)


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
        partial = database.with_name(f".{FILE}.partial")
        snapshots.get(name, partial)
        try:
            _check(partial)
        except BadSnapshotError as error:
            log.error("the snapshot %s is no database: %s", name, error)
            partial.unlink()
            continue
        # What SQLite keeps beside a database would be applied to this one.
        for beside in ("-wal", "-shm", "-journal"):
            database.with_name(f"{FILE}{beside}").unlink(missing_ok=True)
        partial.rename(database)
        log.warning("there was no database: restored %s", name)
        return
    if names:
        raise BadSnapshotError(f"none of {len(names)} snapshots can be read")
    log.info("there is no database and no snapshot: the hub begins anew")


def _will_be_upgraded(database: Path) -> bool:
    with closing(_open(database)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        if ("alembic_version",) not in tables.fetchall():
            return True  # from before there were schema versions
        rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    return {row[0] for row in rows} != _newest_schema()


def _newest_schema() -> set[str]:
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
    """Not for reading alone: a hub that was killed while it wrote has left a journal, and whoever
    comes first has to roll it back."""
    return sqlite3.connect(f"file:{database}?mode=rw", uri=True, timeout=60)


def _check(copy: Path) -> None:
    try:
        with closing(sqlite3.connect(copy)) as connection:
            (answer,) = connection.execute("PRAGMA quick_check").fetchone()
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    except sqlite3.DatabaseError as error:
        raise BadSnapshotError(str(error)) from error
    if answer != "ok":
        raise BadSnapshotError(str(answer))
    if tables and "users" not in tables:
        raise BadSnapshotError("it holds no users")
