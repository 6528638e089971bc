"""`slipway smoke` on a real cluster: green as it is deployed, red where a wall was taken down."""

from collections.abc import Iterator

import pytest

from tests.smoke.conftest import smoke
from tests.support.cluster import WORKING, Cluster, deployed

USERS = "networkpolicy/singleuser-server"


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A hub of its own, whose every profile starts."""
    with deployed(tmp_path_factory.mktemp("smoke"), WORKING) as (cluster, _):
        yield cluster


def test_what_is_deployed_passes_with_every_wall_enforced(tried: Cluster):
    found = smoke(tried.folder, environment="test")
    assert found.red() == {}, found.said
    assert found.code == 0
    walls = {
        check["name"]: check["verdict"]
        for check in found.result["checks"]
        if check["name"].startswith("denied")
    }
    assert "denied (vscode): the Kubernetes API" in walls
    assert set(walls.values()) == {"enforced"}, walls
    for state in ("logged out", "stopped", "running"):
        assert found.check(f"route /code: {state}")["verdict"] == "passed"


def test_a_wall_that_was_taken_down_is_named(tried: Cluster):
    tried.kubectl("delete", USERS)
    try:
        red = smoke(tried.folder, environment="test").red()
    finally:
        tried.apply("02-hub.yaml")
    down = ("another pod's port", "another user's server, past the proxy", "the Kubernetes API")
    for profile in WORKING:
        for wall in down:
            assert "came about" in red.pop(f"denied ({profile}): {wall}")
    # Whatever else the policy held back, nothing but walls is blamed.
    assert all(name.startswith("denied (") for name in red), red


def test_nothing_of_a_run_is_left(tried: Cluster):
    smoke(tried.folder, environment="test")
    look = "ls -A /srv/homes/slipway-smoke-vscode"
    left = tried.kubectl("exec", "deployment/hub", "--container=hub", "--", "sh", "-c", look)
    # What an editor writes while it ends is all that may be there.
    assert "examples" not in left
    pods = tried.kubectl("get", "pods", "--output=name")
    assert "slipway-smoke" not in pods
