"""Pages of our own: readiness, and what JupyterHub would keep silent about."""

from pathlib import Path

from slipway_hub.health import database_problem

from tests.support.local import Hub, User


def test_a_hub_that_can_work_is_ready_without_a_login(hub: Hub):
    answer = User(hub).get("/hub/slipway-ready")
    assert (answer.status_code, answer.json()) == (200, {"ready": True})


def test_a_full_volume_is_told_with_what_is_left(tmp_path: Path):
    problem = database_problem(tmp_path, reserve=2**62)
    assert problem is not None
    assert problem.startswith("the database's volume is full: ")
    assert database_problem(tmp_path, reserve=0) is None


def test_a_volume_that_is_gone_is_told(tmp_path: Path):
    assert "does not answer" in (database_problem(tmp_path / "gone") or "")


def test_a_profile_asked_for_while_another_runs_is_never_silently_ignored(hub: Hub):
    user = hub.user("two-minds")
    user.start("vscode")
    page = user.get("/hub/spawn/two-minds?opt-profile=rstudio")
    assert page.status_code == 409
    assert "VS Code is running on this server" in page.text
    assert 'href="/hub/spawn/two-minds/rstudio-server?opt-profile=rstudio"' in page.text
    assert 'href="/user/two-minds/"' in page.text
    assert set(user.servers()) == {""}


def test_the_profile_that_runs_is_opened_as_ever(hub: Hub):
    user = hub.user("one-mind")
    user.start("vscode")
    answer = user.get("/hub/spawn/one-mind?opt-profile=vscode")
    assert answer.status_code == 302
    assert answer.headers["location"].startswith("/user/one-mind/")


def test_a_profile_that_one_may_not_start_is_refused_while_another_runs(hub: Hub):
    user = hub.user("curious")
    user.start("vscode")
    assert user.get("/hub/spawn/curious?opt-profile=secret").status_code == 403
    assert user.get("/hub/spawn/curious?opt-profile=nope").status_code == 400


def test_asking_for_another_users_server_says_nothing_of_it(hub: Hub):
    owner = hub.user("private")
    owner.start("vscode")
    other = hub.user("nosy").get("/hub/spawn/private?opt-profile=rstudio")
    assert other.status_code in (403, 404)
    assert "VS Code" not in other.text


def test_a_stranger_is_asked_to_log_in(hub: Hub):
    answer = User(hub).get("/hub/spawn/two-minds?opt-profile=rstudio")
    assert answer.status_code == 302
    assert "/hub/login" in answer.headers["location"]
