"""A user's day on a real cluster: log in, be taken to VS Code, work, come back."""

import time
from urllib.parse import urlsplit

import pytest

from tests.support.cluster import Cluster, healthy, seconds_until
from tests.support.local import Hub, User
from tests.support.vscode import greet, management


def test_a_route_leads_a_stranger_through_the_login_into_vs_code(hub: Hub):
    stranger = User(hub, "grace")
    page = stranger.visit("/code/?folder=/home/jovyan", seconds=180)
    assert page.status_code == 200
    assert urlsplit(str(page.url)).path.startswith("/user/grace/code/")
    assert "folder=/home/jovyan" in str(page.url)
    assert "vscode" in page.text
    stranger.stop()


def test_vs_codes_websocket_leads_into_the_editor(ada: User):
    assert ada.visit("/user/ada/code/").status_code == 200
    with management(ada, "/user/ada/code/") as connection:
        assert greet(connection) == "sign"


def test_a_route_starts_its_profile_beside_what_runs(ada: User):
    page = ada.visit("/lab", seconds=180)
    assert urlsplit(str(page.url)).path == "/user/ada/lab-server/lab"
    running = ada.servers()
    assert {name: s["user_options"]["profile"] for name, s in running.items()} == {
        "": "vscode",
        "lab-server": "lab",
    }
    ada.stop("lab-server")


def test_a_profile_asked_for_while_another_runs_is_not_ignored(ada: User):
    page = ada.get("/hub/spawn/ada?opt-profile=lab")
    assert page.status_code == 409
    assert "VS Code is running" in page.text
    assert "/hub/spawn/ada/lab-server?opt-profile=lab" in page.text


def test_a_new_home_is_seeded_once_and_is_its_users_alone(cluster: Cluster, ada: User):
    listed = cluster.kubectl("exec", "user-ada", "--", "sh", "-c", "ls -la ~ && stat -c %a:%u ~")
    assert "examples" in listed
    assert listed.rstrip().endswith("700:1000")


def test_what_a_user_writes_survives_the_hubs_chart_taken_away_and_put_back(
    cluster: Cluster, hub: Hub
):
    user = hub.user("keeper")
    user.start("lab")
    user.visit("/user/keeper/lab")
    cookies = [c for c in user.client.cookies.jar if c.path == "/user/keeper/"]
    written = user.client.put(
        "/user/keeper/api/contents/kept.txt",
        json={"type": "file", "format": "text", "content": "still here"},
        headers={"X-XSRFToken": next(c.value for c in cookies if c.name == "_xsrf") or ""},
    )
    assert written.status_code == 201, written.text
    user.stop()
    cluster.remove_hub()
    cluster.apply("02-hub.yaml")
    cluster.wait("proxy")
    cluster.wait("hub")
    seconds_until(lambda: healthy(hub), 60)
    # The same login: the hub's database and its cookie secret were kept, too.
    user.start("lab")
    user.visit("/user/keeper/lab")
    assert user.get("/user/keeper/api/contents/kept.txt").json()["content"] == "still here"
    user.stop()


FAILURES = [
    ("missing", ["no-such-image", "cannot be pulled", "Kubernetes says"], 60),
    ("broken", ["The server cannot be run in", "/opt/jupyter/bin/python"], 60),
    ("enormous", ["No node has room", "nsufficient memory"], 90),
]


@pytest.mark.parametrize(("profile", "told", "within"), FAILURES)
def test_a_server_that_cannot_start_says_why_well_before_its_time_is_up(
    hub: Hub, profile: str, told: list[str], within: float
):
    user = hub.user(f"unlucky-{profile}")
    begin = time.monotonic()
    answer = user.client.post(
        f"/hub/api/users/{user.name}/server",
        json={"profile": profile},
        headers=user._api(),
        timeout=within,
    )
    text = answer.text
    if answer.status_code == 202:
        with user.client.stream(
            "GET",
            f"/hub/api/users/{user.name}/server/progress",
            headers=user._api(),
            timeout=within,
        ) as progress:
            text = "".join(line for line in progress.iter_lines() if '"failed": true' in line)
    assert time.monotonic() - begin < within
    for words in told:
        assert words in text
    # It is gone, so the next try starts from nothing.
    seconds_until(lambda: user.servers() == {}, 60)
