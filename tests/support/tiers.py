"""Which tests run in `make test`, and which share a worker.

A folder of SHARED has session fixtures that cost seconds to minutes (a hub, a built image, an
emulated AWS), so all its tests run in one worker. Elsewhere a file is a group.
"""

from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

TESTS = Path(__file__).parents[1]

SHARED = (
    *("images", "browser", "releases", "rehearsal", "smoke", "hub"),
    *("stacks", "charts", "promotion", "datapath"),
)
"""Folders in the order in which they start: the dearest first, and what is cheap fills the gaps at
the end. A worker takes two groups at once, so the two dearest are followed by a cheap one."""

FOLDER_MARKERS = {"images": ("slow",), "cluster": ("cluster",)}
"""Markers of every test in a folder."""


class Groups(LoadScopeScheduling):  # type: ignore[misc]
    """Hands out groups of tests. Not xdist's own `loadgroup`: with pytest 9.2, whose `nodeid` is no
    longer what xdist 3.8 writes its groups into, that hands out each test by itself."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::")[0]
        folder = file.split("/")[1]
        return folder if folder in SHARED else file


def sort_into_tiers(items: list[pytest.Item]) -> None:
    """Mark the tests of some folders, and order all by cost."""
    for item in items:
        for marker in FOLDER_MARKERS.get(folder_of(item), ()):
            item.add_marker(marker)
    items.sort(key=_cost)


def folder_of(item: pytest.Item) -> str:
    return item.path.relative_to(TESTS).parts[0]


def _cost(item: pytest.Item) -> int:
    folder = folder_of(item)
    return SHARED.index(folder) if folder in SHARED else len(SHARED)
