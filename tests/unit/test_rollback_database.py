"""The database when a release is left, when one comes back, and what is not taken for one."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import boto3
import pytest
from moto import mock_aws
from slipway_hub import database, rollback
from slipway_hub.database import BadSnapshotError
from slipway_hub.snapshots import KEEP_LEFT, BucketSnapshots, FolderSnapshots, Snapshots

from tests.unit.test_database import add_user, jupyterhub_database, users

BUCKET, REGION = "snapshots", "eu-central-1"


@pytest.fixture(params=["folder", "bucket"])
def kept(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Snapshots]:
    if request.param == "folder":
        yield FolderSnapshots(tmp_path / "kept")
        return
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("s3", REGION)
        where = {"LocationConstraint": REGION}
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=where)
        yield BucketSnapshots(BUCKET, "hub-database", client)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return jupyterhub_database(tmp_path_factory.mktemp("template") / "jupyterhub.sqlite")


@pytest.fixture
def file(template: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "volume/jupyterhub.sqlite"
    copy.parent.mkdir()
    copy.write_bytes(template.read_bytes())
    add_user(copy, "ada")
    return copy


def left(kept: Snapshots, release: str) -> str:
    (name,) = [name for name in kept.names() if name.endswith(f"-left-{release}.sqlite")]
    return name


def set_schema(file: Path, version: str) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (version,))


def test_a_release_that_is_left_leaves_a_snapshot_behind(file: Path, kept: Snapshots):
    database.prepare(file, kept, "1.0.0")
    database.prepare(file, kept, "1.0.0")
    assert kept.names() == []
    database.prepare(file, kept, "1.1.0")
    add_user(file, "grace")
    database.prepare(file, kept, "1.2.0")
    assert [name.rpartition("left-")[2] for name in kept.names()] == [
        "1.0.0.sqlite",
        "1.1.0.sqlite",
    ]


def test_the_wanted_snapshot_comes_back_once_and_what_it_replaces_is_kept(
    file: Path, kept: Snapshots
):
    database.prepare(file, kept, "1.0.0")
    database.prepare(file, kept, "1.1.0")
    wanted = left(kept, "1.0.0")
    add_user(file, "grace")
    database.prepare(file, kept, "1.0.0", wanted)
    assert users(file) == ["ada"]
    (replaced,) = [name for name in kept.names() if "before-restore" in name]
    kept.get(replaced, file.with_name("replaced"))
    assert users(file.with_name("replaced")) == ["ada", "grace"]
    add_user(file, "linus")
    database.prepare(file, kept, "1.0.0", wanted)
    assert users(file) == ["ada", "linus"]


def test_a_new_volume_does_not_go_back_a_second_time(file: Path, kept: Snapshots):
    database.prepare(file, kept, "1.0.0")
    database.prepare(file, kept, "1.1.0")
    wanted = left(kept, "1.0.0")
    database.prepare(file, kept, "1.0.0", wanted)
    add_user(file, "linus")
    database.save(file, kept, "teardown")
    for one in file.parent.iterdir():
        one.unlink()
    database.prepare(file, kept, "1.0.0", wanted)
    assert users(file) == ["ada", "linus"]


@pytest.mark.parametrize("content", [b"", b"not a database at all, by no means" * 100])
def test_what_is_no_database_is_not_put_back(file: Path, kept: Snapshots, content: bytes):
    database.prepare(file, kept, "1.0.0")
    broken = file.with_name("broken")
    broken.write_bytes(content)
    name = kept.put(broken, "left-1.0.0")
    with pytest.raises(BadSnapshotError, match=f"the snapshot {name} is no database"):
        database.prepare(file, kept, "1.0.0", name)
    assert users(file) == ["ada"]
    with pytest.raises(BadSnapshotError, match="is no database"):
        rollback.fitting(kept, "1.0.0", file)


def test_a_snapshot_that_is_missing_stops_the_hub(file: Path, kept: Snapshots):
    with pytest.raises(BadSnapshotError, match="there is no snapshot jupyterhub-x"):
        database.prepare(file, kept, "1.0.0", "jupyterhub-x.sqlite")
    assert users(file) == ["ada"]


def test_an_empty_snapshot_is_not_taken_for_a_lost_database(file: Path, kept: Snapshots):
    empty = file.with_name("empty")
    empty.touch()
    kept.put(empty, "timer")
    file.unlink()
    with pytest.raises(BadSnapshotError, match="none of 1 snapshots can be read"):
        database.prepare(file, kept)
    assert not file.exists()


def test_the_fitting_snapshot_is_of_that_release_and_tells_who_came_since(
    file: Path, kept: Snapshots
):
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        database.prepare(file, kept, version)
        add_user(file, f"in-{version}")
    set_schema(file, "newer")
    found = rollback.fitting(kept, "1.0.0", file)
    assert found.snapshot == left(kept, "1.0.0")
    assert found.users_since == ("in-1.1.0", "in-1.2.0")
    assert not found.same_schema
    nearer = rollback.fitting(kept, "1.1.0", file)
    assert nearer.users_since == ("in-1.2.0",)
    assert rollback.fitting(kept, "0.1.0", file).snapshot is None


def test_the_same_schema_needs_no_restore(file: Path, kept: Snapshots):
    database.prepare(file, kept, "1.0.0")
    database.prepare(file, kept, "1.1.0")
    database.save(file, kept, "timer")
    assert rollback.fitting(kept, "1.0.0").same_schema


def test_snapshots_of_the_timer_do_not_push_those_of_releases_out(tmp_path: Path):
    folder = FolderSnapshots(tmp_path / "kept")
    some = tmp_path / "some"
    some.write_bytes(b"x")
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/jupyterhub-20200101T000000Z-left-1.0.0.sqlite").touch()
    for minute in range(60):
        (tmp_path / f"kept/jupyterhub-20210101T00{minute:02}00Z-timer.sqlite").touch()
    folder.put(some, "timer")
    assert "jupyterhub-20200101T000000Z-left-1.0.0.sqlite" in folder.names()
    for number in range(KEEP_LEFT + 3):
        name = f"jupyterhub-202202{number + 1:02}T000000Z-left-1.{number}.0.sqlite"
        (tmp_path / "kept" / name).touch()
    folder.put(some, "timer")
    assert len([name for name in folder.names() if "left" in name]) == KEEP_LEFT
