"""Whose a name is: nobody is renamed, and names of smoke runs are nobody's."""

import httpx
import pytest

from tests.support.local import Hub, User

SPELLINGS = {
    "as it is": "{name}",
    "percent-encoded": "%{first:02x}{rest}",
    "one dash": "{dashed}",
    "all of it": "{every}",
}


def spelled(name: str, spelling: str) -> str:
    return SPELLINGS[spelling].format(
        name=name,
        first=ord(name[0]),
        rest=name[1:],
        dashed=name.replace("-", "%2D"),
        every="".join(f"%{ord(letter):02X}" for letter in name),
    )


def call(user: User, method: str, path: str, body: object = None) -> httpx.Response:
    where = f"{user.hub.url}hub/api/{path}"
    return user.client.request(method, where, json=body, headers=user._api())


@pytest.fixture(scope="module")
def admin(themed_hub: Hub) -> User:
    return themed_hub.admin("ada")


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_not_even_an_admin_renames_a_user(themed_hub: Hub, admin: User, spelling: str):
    themed_hub.user("named-once")
    path = f"users/{spelled('named-once', spelling)}"
    assert call(admin, "PATCH", path, {"name": "named-twice"}).status_code == 403
    assert call(admin, "GET", "users/named-twice").status_code == 404
    # Anything else of a user is an admin's to change.
    assert call(admin, "PATCH", path, {"name": "named-once", "admin": False}).status_code == 200


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("name", ["slipway-smoke", "slipway-smoke-vscode", "slipway-smoke-new"])
def test_an_admin_makes_no_user_with_a_name_like_those_of_smoke_runs(
    admin: User, name: str, spelling: str
):
    assert call(admin, "POST", f"users/{spelled(name, spelling)}").status_code == 403
    assert call(admin, "POST", "users", {"usernames": ["harmless", name]}).status_code == 403
    assert call(admin, "GET", f"users/{name}").status_code == 404
    assert call(admin, "GET", "users/harmless").status_code == 404


@pytest.mark.parametrize("name", ["SLIPWAY-smoke", "\uff53lipway-smoke", "slipway\uff0dsmoke"])
def test_no_spelling_of_such_a_name_is_taken(admin: User, name: str):
    assert call(admin, "POST", f"users/{name}").status_code in (400, 403)
    assert call(admin, "POST", "users", {"usernames": [name]}).status_code in (400, 403)


@pytest.mark.parametrize("body", [None, [], "x", {"usernames": "x"}, {"usernames": [1]}])
def test_a_list_of_users_that_is_none_is_refused(admin: User, body: object):
    assert call(admin, "POST", "users", body).status_code == 400


def test_users_are_made_and_removed_as_ever(admin: User):
    assert call(admin, "POST", "users/made-by-hand").status_code == 201
    assert call(admin, "POST", "users", {"usernames": ["made-in-a-list"]}).status_code == 201
    for name in ("made-by-hand", "made-in-a-list"):
        assert call(admin, "DELETE", f"users/{name}").status_code == 204


def refused_login(hub: Hub, name: str) -> str:
    user = User(hub, name)
    user.get("/hub/login")
    answer = user._send_login("/hub/login")
    assert answer.status_code == 403
    return answer.text


@pytest.mark.parametrize("name", ["slipway-smoke", "Slipway-Smoke", "slipway-smoke-x"])
def test_no_login_leads_to_a_name_like_those_of_smoke_runs(hub: Hub, name: str):
    assert "are for smoke runs" in refused_login(hub, name)


@pytest.mark.parametrize("name", ["\u212aate", "\u0430da", "ada\u200b"])
def test_a_name_that_looks_like_another_is_refused_on_the_page(hub: Hub, name: str):
    assert "beyond ASCII" in refused_login(hub, name)


def test_what_is_typed_at_the_login_does_nothing_in_the_log(hub: Hub):
    refused_login(hub, "\x1b]0;owned\x07never showed up")
    log = (hub.folder / ".slipway/hub/jupyterhub.log").read_text()
    lines = [line for line in log.splitlines() if "owned" in line]
    assert lines
    # The proxy's lines have colours.
    assert all(line.isprintable() for line in lines)
