"""Pages of our own: readiness, and what JupyterHub would keep silent about."""

import re
from html import unescape
from pathlib import Path

import pytest
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


ELSEWHERE = {
    "a link": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
    "another user's origin": {"Sec-Fetch-Site": "same-site"},
    "no such header": {"Referer": "https://evil.example/"},
    "no address": {"Referer": "https://[evil"},
}


def after_a_while(hub: Hub, name: str) -> User:
    """A user whose login has had its start."""
    user = hub.user(name)
    user.get("/hub/spawn?opt-profile=nope", headers=ELSEWHERE["a link"])
    return user


@pytest.mark.parametrize("headers", ELSEWHERE.values(), ids=ELSEWHERE)
@pytest.mark.parametrize("path", ["/rstudio?a=1", "/hub/spawn?opt-profile=rstudio", "/"])
def test_a_link_on_another_website_starts_nothing(hub: Hub, path: str, headers: dict[str, str]):
    user = after_a_while(hub, "lured")
    answer = user.client.get(path, headers=headers, follow_redirects=True)
    assert answer.status_code == 403
    assert "Nothing was started" in answer.text
    assert user.servers() == {}


def test_the_page_that_asks_leads_on_in_one_click(hub: Hub):
    user = after_a_while(hub, "convinced")
    headers = ELSEWHERE["a link"]
    answer = user.client.get("/rstudio?a=1", headers=headers, follow_redirects=True)
    assert "Start RStudio" in answer.text
    (here,) = re.findall(r'href="(/hub/spawn[^"]*)" autofocus', answer.text)
    user.client.headers["Sec-Fetch-Site"] = "same-origin"
    assert "/user/convinced/rstudio/?a=1" in str(user.visit(unescape(here)).url)


def test_a_link_on_another_website_leads_to_what_runs(hub: Hub):
    user = hub.user("at-work")
    user.start("vscode")
    for _ in range(2):
        answer = user.get("/hub/user-redirect/code", headers=ELSEWHERE["a link"])
        assert answer.headers["location"] == "/user/at-work/code/"
        spawn = "/hub/spawn/at-work?opt-profile=vscode"
        assert user.get(spawn, headers=ELSEWHERE["a link"]).status_code == 302


def test_a_login_elsewhere_may_lead_to_one_start(hub: Hub):
    """A browser calls all that follows from a page of the identity provider cross-site."""
    user = hub.user("from-provider")
    spawn = "/hub/spawn?opt-profile=nope"
    first, second = (user.get(spawn, headers=ELSEWHERE["a link"]) for _ in range(2))
    assert "Nothing was started" not in first.text
    assert "Nothing was started" in second.text


def test_every_cookie_says_that_it_stays_on_this_site(hub: Hub):
    user = User(hub, "with-cookies")
    cookies: list[str] = []
    user.client.event_hooks["response"] = [
        lambda answer: cookies.extend(answer.headers.get_list("set-cookie"))
    ]
    user.visit("/lab")
    # Those without a value are taken away.
    kept = [cookie for cookie in cookies if not cookie.partition("=")[2].startswith('""')]
    names = {cookie.partition("=")[0] for cookie in kept}
    assert {"_xsrf", "jupyterhub-session-id", "jupyterhub-hub-login"} <= names
    assert [name for name in names if name.startswith("jupyterhub-user-")]
    assert [cookie for cookie in kept if "samesite=lax" not in cookie.lower()] == []
