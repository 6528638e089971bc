"""`slipway rollback` finds the release before, and the database as that release left it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from slipway.release.records import OperationRecord, file_record_store
from tests.promotion.conftest import ON_GPUS, PROGRAMS, Case, release

LEFT = "jupyterhub-20261101T080000Z-left-1.0.0.sqlite"


@pytest.fixture
def rolled(case: Case) -> Case:
    """prod pins 1.2.0, which a promotion put in the place of 1.0.0; 1.1.0 never ran there."""
    for version in ("1.1.0", "1.2.0"):
        release(case.root, version, case.images)
    file = case.root / "environments/prod.yaml"
    file.write_text(case.file("prod").replace("working-tree", '"1.2.0"  # since May'))
    promoted(case, "1.2.0", "1.0.0", days=3)
    promoted(case, "1.0.0", "0.9.0", days=9)
    fitting(case)
    return case


def promoted(case: Case, version: str, previous: str, days: int, *, ok: bool = True) -> None:
    at, fields = datetime.now(UTC) - timedelta(days=days), {"previous": previous}
    file_record_store(case.root).add(OperationRecord("promotion", "prod", version, at, ok, fields))


def fitting(case: Case, **changes: Any) -> None:
    """What the hub's pod says."""
    value = {
        "release": "1.0.0",
        "snapshot": LEFT,
        "at": "2026-11-01T08:00:00+00:00",
        "same_schema": True,
        "users_since": [],
        "users_gone": [],
    } | changes
    case.answers(exec={"code": 0, "stdout": json.dumps(value)})


def test_back_to_what_the_promotion_took_the_place_of(rolled: Case):
    answer = rolled.slipway("rollback", "prod", "--json")
    assert answer.returncode == 0, answer.stderr
    told = json.loads(answer.stdout)
    assert (told["previous"], told["release"]) == ("1.2.0", "1.0.0")
    assert told["pinned"]
    assert not told["restores"]
    assert 'release: "1.0.0"  # since May' in rolled.file("prod")
    assert "restore_database" not in rolled.file("prod")
    assert "no user, server or token is lost" in answer.stderr
    (record,) = file_record_store(rolled.root).newest_first("rollback", "prod")
    assert record.release == "1.0.0"
    assert record.fields["who"]["user"]


def test_another_schema_takes_the_snapshot_along_and_says_who_loses_what(rolled: Case):
    fitting(rolled, same_schema=False, users_since=["grace", "linus"], users_gone=["ada"])
    answer = rolled.slipway("rollback", "prod", "--yes")
    assert answer.returncode == 0, answer.stderr
    assert f"\nrestore_database: {LEFT}\n" in rolled.file("prod")
    assert "goes back to 2026-11-01T08:00:00+00:00" in answer.stderr
    assert "users who came since and must log in anew (their files stay): grace, linus" in (
        answer.stderr
    )
    assert "there again: ada" in answer.stderr


def test_what_users_lose_is_asked_about(rolled: Case):
    fitting(rolled, same_schema=False)
    before = rolled.file("prod")
    answer = rolled.slipway("rollback", "prod")
    assert answer.returncode == 1
    assert rolled.file("prod") == before


def test_a_dry_run_changes_nothing(rolled: Case):
    fitting(rolled, same_schema=False)
    before = rolled.file("prod")
    answer = rolled.slipway("rollback", "prod", "--dry-run")
    assert answer.returncode == 0
    assert f"+restore_database: {LEFT}" in answer.stdout
    assert rolled.file("prod") == before


def test_no_fitting_snapshot_is_no_rollback(rolled: Case):
    fitting(rolled, snapshot=None, at=None, same_schema=False)
    before = rolled.file("prod")
    answer = rolled.slipway("rollback", "prod", "--yes")
    assert answer.returncode == 1
    assert "no snapshot of its database from when 1.0.0 was left" in answer.stderr
    assert rolled.file("prod") == before
    kept = rolled.slipway("rollback", "prod", "--keep-database")
    assert kept.returncode == 0, kept.stderr
    assert rolled.pinned("prod") == "1.0.0"


def test_a_broken_snapshot_is_no_rollback(rolled: Case):
    said = f"slipway-hub fitting: the snapshot {LEFT} is no database: it holds no users\n"
    rolled.answers(exec={"code": 1, "stdout": "", "stderr": said})
    answer = rolled.slipway("rollback", "prod", "--yes")
    assert answer.returncode == 1
    assert f"{LEFT} is no database" in answer.stderr
    assert rolled.pinned("prod") == "1.2.0"


def test_without_records_the_next_lower_version_is_the_one_before(rolled: Case):
    for file in (rolled.root / ".slipway/records/promotion/prod").iterdir():
        file.unlink()
    told = json.loads(rolled.slipway("rollback", "prod", "--json").stdout)
    assert told["release"] == "1.1.0"
    assert "the next lower version" in told["chosen"]


def test_a_record_that_cannot_be_read_is_named_with_the_way_on(rolled: Case):
    newest = max((rolled.root / ".slipway/records/promotion/prod").iterdir())
    newest.write_text("")
    answer = rolled.slipway("rollback", "prod")
    assert answer.returncode == 1
    assert f"{newest} is not a record" in answer.stderr
    assert "--to VERSION" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert rolled.slipway("rollback", "prod", "--to", "1.0.0").returncode == 0


def test_a_promotion_that_did_not_pass_changed_nothing(rolled: Case):
    promoted(rolled, "1.2.0", "1.1.0", days=0, ok=False)
    assert json.loads(rolled.slipway("rollback", "prod", "--json").stdout)["release"] == "1.0.0"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("prod", "--to", "1.2.0"), "1.2.0 is pinned already"),
        (("prod", "--to", "7.0.0"), "there is no release '7.0.0'"),
        (("prod", "--to", "2.0.0", "--keep-database"), "2.0.0 is newer than 1.2.0"),
        (("nowhere",), "there is no environment 'nowhere'"),
    ],
)
def test_bad_input_is_told(rolled: Case, arguments: tuple[str, ...], said: str):
    release(rolled.root, "2.0.0", rolled.images)
    answer = rolled.slipway("rollback", *arguments)
    assert answer.returncode == 2, answer.stderr
    assert said in answer.stderr
    assert rolled.pinned("prod") == "1.2.0"


def test_what_a_promotion_took_the_place_of_may_be_newer(rolled: Case):
    release(rolled.root, "2.0.0", rolled.images)
    promoted(rolled, "1.2.0", "2.0.0", days=1)
    told = json.loads(rolled.slipway("rollback", "prod", "--keep-database", "--json").stdout)
    assert told["release"] == "2.0.0"


def test_a_release_whose_nodes_are_gone_is_not_gone_back_to(rolled: Case):
    release(rolled.root, "0.8.0", rolled.images, ON_GPUS)
    answer = rolled.slipway("rollback", "prod", "--to", "0.8.0", "--keep-database")
    assert answer.returncode == 2, answer.stderr
    assert "environments/prod.yaml" in answer.stderr
    assert "the profile 'lab' runs on 'gpu', which is no pool here" in answer.stderr
    assert rolled.pinned("prod") == "1.2.0"


def test_the_working_tree_has_no_release_before_it(case: Case):
    answer = case.slipway("rollback", "prod")
    assert answer.returncode == 2
    assert "there is no release to go back from" in answer.stderr


def test_promoting_again_takes_the_wish_for_a_snapshot_away(rolled: Case):
    fitting(rolled, same_schema=False)
    rolled.slipway("rollback", "prod", "--yes")
    answer = rolled.promote()
    assert answer.returncode == 0, answer.stderr
    assert "restore_database" not in rolled.file("prod")


def test_a_longer_rollback_takes_the_snapshot_of_that_release(rolled: Case, tmp_path: Path):
    fitting(rolled, release="1.1.0")
    told = json.loads(rolled.slipway("rollback", "prod", "--to", "1.1.0", "--json").stdout)
    assert told["release"] == "1.1.0"
    asked = json.loads((rolled.root / PROGRAMS / "asked.json").read_text())
    assert asked[-3:] == ["slipway-hub", "fitting", "1.1.0"]
