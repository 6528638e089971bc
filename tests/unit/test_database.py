"""The hub's database: copies of it while it is written, and what happens before a hub starts."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import boto3
import pytest
from moto import mock_aws
from slipway_hub import database, snapshots
from slipway_hub.database import BadSnapshotError
from slipway_hub.snapshots import KEEP, BucketSnapshots, FolderSnapshots


@pytest.fixture
def kept(tmp_path: Path) -> FolderSnapshots:
    return FolderSnapshots(tmp_path / "kept")


def jupyterhub_database(file: Path) -> Path:
    """As JupyterHub itself makes it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    code = "import sys; from jupyterhub import orm; orm.new_session_factory(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, f"sqlite:///{file}"], check=True)
    return file


def add_user(file: Path, name: str) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("INSERT INTO users (name, cookie_id) VALUES (?, ?)", (name, name))


def users(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as connection:
        return [row[0] for row in connection.execute("SELECT name FROM users ORDER BY name")]


def test_a_lost_database_is_restored_from_the_newest_snapshot(
    tmp_path: Path, kept: FolderSnapshots
):
    file = jupyterhub_database(tmp_path / "volume/jupyterhub.sqlite")
    add_user(file, "ada")
    older = database.save(file, kept, "timer")
    (tmp_path / "kept" / older).rename(tmp_path / "kept/jupyterhub-20200101T000000Z-timer.sqlite")
    add_user(file, "grace")
    database.save(file, kept, "timer")
    file.unlink()
    database.prepare(file, kept)
    assert users(file) == ["ada", "grace"]
    assert sorted(p.name for p in file.parent.iterdir()) == ["jupyterhub.sqlite"]


def test_a_snapshot_taken_in_the_middle_of_a_write_holds_what_was_committed(
    tmp_path: Path, kept: FolderSnapshots
):
    file = jupyterhub_database(tmp_path / "jupyterhub.sqlite")
    add_user(file, "ada")
    with closing(sqlite3.connect(file)) as writing:
        writing.execute("INSERT INTO users (name, cookie_id) VALUES ('half', 'half')")
        name = database.save(file, kept, "timer")
    kept.get(name, tmp_path / "copy")
    assert users(tmp_path / "copy") == ["ada"]


def test_a_database_that_is_there_is_left_alone(tmp_path: Path, kept: FolderSnapshots):
    file = jupyterhub_database(tmp_path / "jupyterhub.sqlite")
    database.save(file, kept, "timer")
    add_user(file, "later")
    before = file.read_bytes()
    database.prepare(file, kept)
    assert file.read_bytes() == before
    assert len(kept.names()) == 1, "nothing will be upgraded, so nothing is saved"


def test_a_database_of_an_older_jupyterhub_is_saved_before_its_upgrade(
    tmp_path: Path, kept: FolderSnapshots
):
    file = jupyterhub_database(tmp_path / "jupyterhub.sqlite")
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '651f5419b74d'")
    database.prepare(file, kept)
    (name,) = kept.names()
    assert "before-upgrade" in name


KILLED_WHILE_WRITING = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("PRAGMA cache_size = 1")  # so that it writes into the file before it commits
connection.execute("BEGIN")
connection.executemany(
    "INSERT INTO users (name, cookie_id) VALUES (?, ?)", ((f"u{n}" * 50, n) for n in range(5000))
)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_hub_that_was_killed_while_it_wrote_comes_back(tmp_path: Path, kept: FolderSnapshots):
    file = jupyterhub_database(tmp_path / "jupyterhub.sqlite")
    add_user(file, "ada")
    subprocess.run([sys.executable, "-c", KILLED_WHILE_WRITING, file], check=False)
    assert (tmp_path / "jupyterhub.sqlite-journal").stat().st_size > 0
    database.prepare(file, kept)
    assert users(file) == ["ada"]


def test_a_folder_on_the_databases_own_volume_does_not_fill_it(
    tmp_path: Path, kept: FolderSnapshots, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "kept").mkdir()
    (tmp_path / "copy").write_bytes(b"x" * 100)
    for day in range(5):
        (tmp_path / f"kept/jupyterhub-2026010{day}T000000Z-timer.sqlite").write_bytes(b"x" * 100)
    (tmp_path / "kept/.partial").write_bytes(b"of a kill")
    monkeypatch.setattr(snapshots, "SPARE", 2**60)  # nothing is ever free enough
    newest = kept.put(tmp_path / "copy", "timer")
    assert kept.names() == ["jupyterhub-20260104T000000Z-timer.sqlite", newest]
    assert not (tmp_path / "kept/.partial").exists()


def test_a_broken_snapshot_gives_way_to_the_one_before(tmp_path: Path, kept: FolderSnapshots):
    file = jupyterhub_database(tmp_path / "jupyterhub.sqlite")
    add_user(file, "ada")
    database.save(file, kept, "timer")
    (tmp_path / "kept/jupyterhub-29990101T000000Z-timer.sqlite").write_bytes(b"not a database")
    file.unlink()
    database.prepare(file, kept)
    assert users(file) == ["ada"]


def test_a_hub_whose_snapshots_are_all_broken_does_not_start_empty(
    tmp_path: Path, kept: FolderSnapshots
):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/jupyterhub-20260101T000000Z-timer.sqlite").write_bytes(b"rubbish" * 1000)
    with pytest.raises(BadSnapshotError, match="none of 1 snapshots"):
        database.prepare(tmp_path / "jupyterhub.sqlite", kept)
    assert not (tmp_path / "jupyterhub.sqlite").exists()


def test_a_hub_without_a_past_begins_anew(tmp_path: Path, kept: FolderSnapshots):
    database.prepare(tmp_path / "jupyterhub.sqlite", kept)
    assert not (tmp_path / "jupyterhub.sqlite").exists()


def test_a_folder_keeps_the_newest_and_ignores_what_is_not_its_own(
    tmp_path: Path, kept: FolderSnapshots
):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/notes.txt").write_text("mine")
    (tmp_path / "copy").write_bytes(b"x")
    for day in range(KEEP + 3):
        (tmp_path / f"kept/jupyterhub-20260101T{day:06}Z-timer.sqlite").write_bytes(b"x")
    newest = kept.put(tmp_path / "copy", "timer")
    assert len(kept.names()) == KEEP
    assert kept.names()[0] == "jupyterhub-20260101T000004Z-timer.sqlite"
    assert kept.names()[-1] == newest
    assert (tmp_path / "kept/notes.txt").exists()


@mock_aws
def test_a_bucket_keeps_snapshots_below_its_prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    client = boto3.client("s3", region_name="us-east-1")
    client.create_bucket(Bucket="snapshots")
    client.put_object(Bucket="snapshots", Key="other/jupyterhub-20260101T000000Z-timer.sqlite")
    kept = BucketSnapshots("snapshots", "hub", client)
    file = jupyterhub_database(tmp_path / "jupyterhub.sqlite")
    add_user(file, "ada")
    assert database.save(file, kept, "teardown") == "jupyterhub-teardown.sqlite"
    assert database.save(file, kept, "teardown") == "jupyterhub-teardown.sqlite"
    assert kept.names() == ["jupyterhub-teardown.sqlite"]
    file.unlink()
    database.prepare(file, kept)
    assert users(file) == ["ada"]


def test_a_place_is_a_bucket_or_a_folder():
    assert isinstance(snapshots.at("s3://bucket/prefix"), BucketSnapshots)
    assert isinstance(snapshots.at("/srv/homes/.slipway"), FolderSnapshots)
