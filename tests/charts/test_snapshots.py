"""What the charts render, for a reviewer.

`UPDATE_SNAPSHOTS=1 pytest tests/charts` writes it anew.
"""

import difflib
import os
from pathlib import Path

import pytest

from tests.charts.conftest import objects_of
from tests.charts.summary import summary

SNAPSHOTS = Path(__file__).parent / "snapshots"


@pytest.mark.parametrize("name", ["kube", "dev"])
def test_a_change_of_the_objects_is_seen_by_a_reviewer(name: str) -> None:
    file, now = SNAPSHOTS / f"{name}.txt", summary(objects_of(name))
    if os.environ.get("UPDATE_SNAPSHOTS"):
        file.write_text(now)
    before = file.read_text() if file.exists() else ""
    changes = difflib.unified_diff(
        before.splitlines(), now.splitlines(), "before", "now", lineterm="", n=2
    )
    listed = "\n".join(changes)
    assert not listed, (
        f"{listed}\n\nIf that is what you meant: UPDATE_SNAPSHOTS=1 pytest tests/charts"
    )
