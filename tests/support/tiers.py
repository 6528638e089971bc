"""Which tests run in `make test`, and which share a worker.

A folder of SHARED has session fixtures that cost seconds to minutes (a hub, a built image, an
emulated AWS), so all its tests run in one worker. Elsewhere each file may run anywhere.
"""

from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]

SHARED = (
    *("images", "browser", "releases", "rehearsal", "smoke", "hub"),
    *("stacks", "charts", "promotion", "datapath"),
)
"""Folders in the order in which they start: the dearest first, and what is cheap fills the gaps at
the end. A worker takes two groups at once, so the two dearest are followed by a cheap one."""

FOLDER_MARKERS = {"images": ("slow",), "cluster": ("cluster",)}
"""Markers of every test in a folder."""


def sort_into_tiers(items: list[pytest.Item]) -> None:
    """Mark slow tests, put those that share fixtures into one xdist group, and order by cost."""
    for item in items:
        folder = folder_of(item)
        for marker in FOLDER_MARKERS.get(folder, ()):
            item.add_marker(marker)
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(folder if folder in SHARED else item.path.name))
    items.sort(key=_cost)


def folder_of(item: pytest.Item) -> str:
    return item.path.relative_to(TESTS).parts[0]


def _cost(item: pytest.Item) -> int:
    folder = folder_of(item)
    return SHARED.index(folder) if folder in SHARED else len(SHARED)
