"""Tests on the cluster that KUBECONFIG names. Without it they are deselected.

So is what needs SLIPWAY_API_OUTAGE without it: a command that takes the Kubernetes API away for
more than a minute and returns when it is back.
"""

import os
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.cluster import PREFIX, Cluster, deployed
from tests.support.local import Hub, User

HERE = Path(__file__).parent
OUTAGE = "SLIPWAY_API_OUTAGE"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Function]) -> None:
    """Deselected, not skipped: a machine without a cluster lacks nothing."""
    ours = [item for item in items if HERE in item.path.parents]
    if os.environ.get("KUBECONFIG"):
        given = bool(os.environ.get(OUTAGE))
        ours = [item for item in ours if not given and "api_outage" in item.fixturenames]
    if ours:
        config.hook.pytest_deselected(items=ours)
        items[:] = [item for item in items if item not in ours]


@pytest.fixture(scope="session")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cluster, Hub]]:
    if not os.environ.get(PREFIX):
        pytest.fail(f"{PREFIX} must say where the cluster pulls images: registry.example.org/team")
    with deployed(tmp_path_factory.mktemp("cluster")) as both:
        yield both


@pytest.fixture(scope="session")
def cluster(both: tuple[Cluster, Hub]) -> Cluster:
    return both[0]


@pytest.fixture(scope="session")
def hub(both: tuple[Cluster, Hub]) -> Hub:
    return both[1]


@pytest.fixture
def api_outage() -> Callable[[], object]:
    return lambda: subprocess.run(shlex.split(os.environ[OUTAGE]), check=True, timeout=600)


@pytest.fixture
def ada(hub: Hub) -> User:
    """A user with VS Code running."""
    user = hub.user("ada")
    if "" not in user.servers():
        user.start("vscode")
    return user
