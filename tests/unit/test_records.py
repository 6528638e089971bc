import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from slipway.release.records import FileRecordStore, OperationRecord

AT = datetime(2026, 11, 24, 9, tzinfo=UTC)


def record(release: str, minutes: int = 0) -> OperationRecord:
    return OperationRecord(
        "smoke", "dev", release, AT + timedelta(minutes=minutes), True, {"checks": []}
    )


def test_what_is_kept_comes_back_newest_first(tmp_path: Path):
    records = FileRecordStore(tmp_path)
    for release, minutes in (("1.0.0", 0), ("1.2.0", 600), ("1.1.0", 30)):
        records.add(record(release, minutes))
    found = list(records.newest_first("smoke", "dev"))
    assert [one.release for one in found] == ["1.2.0", "1.1.0", "1.0.0"]
    assert found[-1] == record("1.0.0")


def test_records_of_others_are_not_among_them(tmp_path: Path):
    records = FileRecordStore(tmp_path)
    records.add(record("1.0.0"))
    assert not list(records.newest_first("smoke", "prod"))
    assert not list(records.newest_first("promotion", "dev"))


def test_a_broken_one_is_said_and_not_skipped(tmp_path: Path):
    records = FileRecordStore(tmp_path)
    broken = records.add(record("1.0.0"))
    Path(broken).write_text('{"kind": "smoke"')
    with pytest.raises(ValueError, match=f"{re.escape(broken)} is not a record"):
        list(records.newest_first("smoke", "dev"))
