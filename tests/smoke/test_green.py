"""What the shipped catalog gives users is all there."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from slipway.release.records import file_record_store
from tests.smoke.conftest import Smoke, smoke
from tests.support.local import Hub, make_project, running_hub


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = make_project(tmp_path_factory.mktemp("shipped") / "project")
    with running_hub(folder) as hub:
        yield hub


@pytest.fixture(scope="module")
def found(shipped: Hub) -> Smoke:
    return smoke(shipped.folder)


def test_everything_shipped_passes(found: Smoke):
    assert found.red() == {}, found.said
    assert found.code == 0
    assert found.result["ok"] is True


@pytest.mark.parametrize("route", ["/code", "/lab", "/dashboard", "/tensorboard"])
@pytest.mark.parametrize("state", ["logged out", "stopped", "running"])
def test_each_route_is_tried_in_each_state(found: Smoke, route: str, state: str):
    assert found.check(f"route {route}: {state}")["verdict"] == "passed"


@pytest.mark.parametrize("profile", ["vscode", "streamlit", "rstudio"])
def test_each_profile_is_tried_from_start_to_stop(found: Smoke, profile: str):
    whats = ["starts", "default URL", "a kernel", "a large download", "streaming", "a notebook"]
    for what in [*whats, "stops"]:
        assert found.check(f"profile {profile}: {what}")["verdict"] == "passed"


@pytest.mark.parametrize(
    ("app", "said"),
    [
        ("lab (vscode)", "its kernel computed what it was asked to"),
        ("code (vscode)", "the editor answered the workbench's greeting"),
        ("dashboard (streamlit)", "the script ran to its end"),
    ],
)
def test_websockets_are_used_as_the_apps_own_pages_do(found: Smoke, app: str, said: str):
    assert found.check(f"app {app}: page")["detail"].startswith("200 at ")
    assert found.check(f"app {app}: websocket")["detail"] == said


def test_what_this_machine_lacks_is_not_applicable_with_a_remedy(found: Smoke):
    for name in ("route /rstudio", "app rstudio (rstudio)"):
        check = found.check(name)
        assert check["verdict"] == "not applicable"
        assert "install RStudio Server" in check["detail"]


def test_walls_that_a_laptop_has_are_enforced_and_others_not_applicable(found: Smoke):
    enforced = [
        "another user's server, through the proxy",
        "another user's server, past the proxy",
        "the hub's list of users",
        "another user at the hub",
        "the proxy's API",
    ]
    for name in enforced:
        assert found.check(f"denied (vscode): {name}")["verdict"] == "enforced"
    for name in ("the metadata service", "the Kubernetes API", "another pod's port"):
        assert found.check(f"denied (vscode): {name}")["verdict"] == "not applicable"
    assert found.check("denied: more than culling to the culler")["verdict"] == "enforced"


def test_nothing_of_the_run_is_left(found: Smoke, shipped: Hub):
    assert not list((shipped.folder / ".slipway/homes").glob("slipway-smoke*"))
    service = shipped.folder / ".slipway/secrets/smoke_token"
    headers = {"Authorization": f"token {service.read_text()}"}
    assert httpx.get(f"{shipped.url}hub/api/users", headers=headers).json() == []


def test_it_is_recorded_with_the_release_that_runs(found: Smoke, shipped: Hub):
    (record,) = file_record_store(shipped.folder).newest_first("smoke", "local")
    assert (record.release, record.ok) == ("working-tree", True)
    assert record.fields == found.result


def test_no_secret_is_told_or_recorded(found: Smoke, shipped: Hub):
    state: Path = shipped.folder / ".slipway"
    told = found.said + "".join(f.read_text() for f in (state / "records").rglob("*.json"))
    for secret in (state / "secrets").iterdir():
        assert secret.read_text() not in told, secret.name
