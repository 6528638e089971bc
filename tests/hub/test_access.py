"""What strangers and other users are refused, over HTTP and websocket."""

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.support.local import Hub, User
from tests.support.terminal import ask


@pytest.fixture(scope="module")
def owner(hub: Hub) -> User:
    user = hub.user("owner")
    user.start("vscode")
    user.visit("/user/owner/code/")
    assert ask(user, "echo there") == "there\n"  # it is terminal 1
    for server in ("streamlit", "rstudio"):
        user.start(server, f"{server}-server")
        user.visit(f"/user/owner/{server}-server/api")
    return user


KINDS = {
    "jupyterlab": "/user/owner/lab",
    "notebook": "/user/owner/tree",
    "code-server": "/user/owner/code/",
    "command": "/user/owner/ghost/",
    "port": "/user/owner/proxy/1/",
    "absolute port": "/user/owner/proxy/absolute/1/",
    "another host's": "/user/owner/proxy/10.0.0.1:80/",
    "streamlit": "/user/owner/streamlit-server/dashboard/",
    "tensorboard": "/user/owner/streamlit-server/tensorboard/",
    "rstudio": "/user/owner/rstudio-server/rstudio/",
    "shiny": "/user/owner/rstudio-server/shiny/",
    "Jupyter's events": "/user/owner/api/events/subscribe",
    "terminal": "/user/owner/terminals/websocket/1",
}
"""Where each kind of app of one user's is; whether its program is here is another matter."""

EVIL = "https://evil.example"
every_kind = pytest.mark.parametrize("path", KINDS.values(), ids=KINDS)


@every_kind
def test_a_stranger_gets_nothing_of_any_kind_of_app(hub: Hub, owner: User, path: str):
    answer = User(hub).get(path, headers={"Accept": "text/html"})
    refused = answer.status_code == 403
    assert refused or (answer.status_code == 302 and "/hub/" in answer.headers["location"])
    assert User(hub).client.post(path).status_code in (302, 403, 405)
    assert open_websocket(hub, path) != 101


@pytest.fixture(scope="module")
def other(hub: Hub) -> User:
    user = hub.user("other-of-all")
    user.start("vscode")
    user.visit("/user/other-of-all/lab")
    return user


@every_kind
def test_another_user_gets_nothing_of_any_kind_of_app(
    hub: Hub, owner: User, other: User, path: str
):
    assert other.visit(path).status_code == 403
    assert other.client.post(path).status_code in (302, 403, 405)
    assert open_websocket(hub, path, other) != 101


PROXIED = {name: path for name, path in KINDS.items() if name not in ("jupyterlab", "notebook")}
"""Without those that take nothing."""


@pytest.mark.parametrize("path", PROXIED.values(), ids=PROXIED)
def test_a_foreign_page_sends_nothing_to_any_kind_of_app(hub: Hub, owner: User, path: str):
    """With the cookies that a browser would send along: what it shows cannot be read there."""
    answer = owner.client.post(path, headers={"Origin": EVIL})
    assert answer.status_code in (403, 405)
    assert open_websocket(hub, path, owner, EVIL) == 403
    assert open_websocket(hub, path, owner, "null") == 403


def open_websocket(hub: Hub, path: str, user: User | None = None, origin: str = "") -> int:
    """The status a websocket handshake is answered with; 101 if it is accepted."""
    url = hub.url.replace("http://", "ws://").rstrip("/") + path
    headers = {"Origin": origin} if origin else {}
    if user:
        cookies = user.client.cookies.jar
        headers["Cookie"] = "; ".join(f"{cookie.name}={cookie.value}" for cookie in cookies)
    try:
        with connect(url, additional_headers=headers, open_timeout=20, proxy=None):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


APP = "/user/owner/code/"
TERMINAL = "/user/owner/api/events/subscribe"


def test_a_stranger_is_sent_to_the_login(hub: Hub, owner: User):
    answer = User(hub).get(APP)
    assert answer.status_code == 302
    assert "/hub/" in answer.headers["location"]


def test_a_stranger_cannot_post(hub: Hub, owner: User):
    assert User(hub).client.post(APP).status_code in (302, 403)


@pytest.mark.parametrize("path", [APP, TERMINAL])
def test_a_strangers_websocket_is_refused(hub: Hub, owner: User, path: str):
    assert open_websocket(hub, path) == 403


def test_another_users_websocket_is_refused(hub: Hub, owner: User):
    other = hub.user("other-ws")
    other.visit("/user/other-ws/lab")
    assert [open_websocket(hub, path, other) for path in (APP, TERMINAL)] == [403, 403]


def test_the_owners_websocket_is_accepted(hub: Hub, owner: User):
    assert open_websocket(hub, TERMINAL, owner) == 101


def test_another_user_is_refused(hub: Hub, owner: User):
    other = hub.user("other")
    assert other.visit(APP).status_code == 403


def test_a_server_proxies_no_other_host(hub: Hub, owner: User):
    assert owner.visit("/user/owner/proxy/10.0.0.1:80/").status_code == 403


def test_a_wrong_password_is_refused(hub: Hub):
    user = User(hub, "intruder")
    user.get("/hub/login")
    form = {"username": "intruder", "password": "wrong-password", "_xsrf": user.xsrf()}
    assert user.client.post("/hub/login", data=form).status_code == 403


@pytest.mark.parametrize("name", ["../evil", "..", "a/b", "/etc", "x" * 200, ".hidden"])
def test_a_user_name_that_is_not_a_folder_name_is_refused(hub: Hub, name: str):
    user = User(hub, name)
    user.get("/hub/login")
    form = {"username": name, "password": hub.password, "_xsrf": user.xsrf()}
    assert user.client.post("/hub/login", data=form).status_code == 403
    assert not (hub.folder / ".slipway/evil").exists()


def test_the_hub_keeps_its_secrets_to_its_user(hub: Hub):
    for file in (hub.folder / ".slipway/secrets").iterdir():
        assert file.stat().st_mode & 0o077 == 0
    assert hub.password not in (hub.folder / ".slipway/hub/settings.json").read_text()
    assert hub.password not in (hub.folder / ".slipway/hub/jupyterhub.log").read_text()
