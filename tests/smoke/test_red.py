"""What is broken is named, and nothing else is blamed."""

import json

import pytest

from tests.smoke.conftest import Smoke, catalog, project, smoke
from tests.support.local import running_hub

pytestmark = pytest.mark.slow

OPEN_PROXY = "extra_config: {ConfigurableHTTPProxy: {auth_token: ''}}\n"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Smoke:
    """Of a hub with a broken command, a cut websocket, a removed route and a proxy that takes
    orders from everybody."""
    folder = tmp_path_factory.mktemp("red") / "project"
    project(folder, catalog("echo", "cut", "plain", "broken", routes=False))
    spec = folder / "environments/local.yaml"
    spec.write_text(spec.read_text() + OPEN_PROXY)
    with running_hub(folder) as hub:
        without = catalog("echo", "cut", "plain", "broken", routes=False)
        without["routes"]["/removed"] = {"profile": "small", "app": "echo"}
        (hub.folder / "catalog.yaml").write_text(json.dumps(without))
        return smoke(hub.folder)


BROKEN = [
    "app broken (small): page",
    "app cut (small): websocket",
    "denied (small): the proxy's API",
    "release",
    "route /removed: logged out",
    "route /removed: running",
    "route /removed: stopped",
]


def test_what_is_broken_is_red_and_nothing_else(found: Smoke):
    assert sorted(found.red()) == BROKEN, found.said
    assert found.code == 1
    assert found.result["ok"] is False


def test_a_broken_command_is_told_with_its_last_lines(found: Smoke):
    told = found.red()["app broken (small): page"]
    assert "exit(3)" in told
    assert "no licence" in told


def test_a_cut_websocket_is_told_as_it_was_closed(found: Smoke):
    told = found.red()["app cut (small): websocket"]
    assert "its websocket was cut" in told
    assert "as it was told to" in told


def test_a_wall_that_lets_something_through_is_not_enforced(found: Smoke):
    check = found.check("denied (small): the proxy's API")
    assert check["verdict"] == "not enforced"
    assert "/api/routes answered 200" in check["detail"]


def test_a_removed_route_is_named_with_what_the_hub_has_in_its_place(found: Smoke):
    assert "/removed is nothing in the hub and /echo/ in the files" in found.red()["release"]


def test_an_app_without_a_websocket_is_not_blamed_for_it(found: Smoke):
    check = found.check("app plain (small): websocket")
    assert check["verdict"] == "not applicable"
    assert found.check("app echo (small): websocket")["verdict"] == "passed"


def test_the_terminal_shows_each_check_as_it_is_made(found: Smoke):
    shown = [line for line in found.said.splitlines() if line.startswith("not enforced")]
    assert "denied (small): the proxy's API" in shown[0]
