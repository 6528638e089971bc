"""Who is no longer allowed loses sessions, tokens, servers and admin rights, with each login."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.logins import LoginUser, Provider, ask_api, hub_with, provider

KINDS = ("shared-password", "github", "google", "cognito", "oidc")


@pytest.fixture(scope="module")
def idp() -> Iterator[Provider]:
    with provider() as server:
        yield server


@pytest.mark.parametrize("kind", KINDS)
def test_who_is_taken_out_of_the_file_loses_everything_but_files(
    idp: Provider, tmp_path: Path, kind: str
):
    ada, eve = (f"{name}@example.org" if kind == "google" else name for name in ("ada", "eve"))
    idp.knows(ada)
    idp.knows(eve)
    folder, extra = tmp_path / "project", idp.extra_config(kind)
    with_eve = idp.auth(kind, allowed_users=(ada, eve))
    with hub_with(folder, with_eve, extra) as hub:
        kept, lost = hub.user(ada), hub.user(eve)
        tokens = {user.name: user.make_token() for user in (kept, lost)}
        assert ask_api(hub, tokens[eve], "user").status_code == 200
    with hub_with(folder, idp.auth(kind, allowed_users=(ada,)), extra) as hub:
        assert ask_api(hub, tokens[ada], "user").status_code == 200
        assert _moved(kept, hub).logged_in()
        assert ask_api(hub, tokens[eve], "user").status_code == 403
        assert ask_api(hub, tokens[eve], f"users/{eve}/server", "POST").status_code == 403
        assert not _moved(lost, hub).logged_in()
        assert lost.try_to_log_in() == 403
    with hub_with(folder, with_eve, extra) as hub:
        # Allowed again, and nothing old comes back.
        assert not _moved(lost, hub).logged_in()
        assert ask_api(hub, tokens[eve], "user").status_code == 403
        assert _moved(lost, hub).try_to_log_in() == 302


def _moved(user: LoginUser, hub: Any) -> LoginUser:
    """The same browser, at the address that the hub has now."""
    user.hub, user.client.base_url = hub, hub.url
    return user


@pytest.mark.parametrize("kind", KINDS)
def test_a_former_admin_is_none_any_more(idp: Provider, tmp_path: Path, kind: str):
    ada = "ada@example.org" if kind == "google" else "ada"
    idp.knows(ada)
    folder, extra = tmp_path / "project", idp.extra_config(kind)
    with hub_with(folder, idp.auth(kind, admin_users=(ada,)), extra) as hub:
        user = _admin(hub, ada)
        token = user.make_token()
        assert ask_api(hub, token, "users").status_code == 200
    with hub_with(folder, idp.auth(kind, allowed_users=(ada,)), extra) as hub:
        assert ask_api(hub, token, "users").status_code == 403
        assert ask_api(hub, token, "user").json()["admin"] is False
        user = _moved(user, hub)
        assert user.try_to_log_in() == 302
        assert user.get("/hub/admin").status_code == 403


def _admin(hub: Any, name: str) -> LoginUser:
    user: LoginUser = hub.admin(name) if hub.announced["kind"] == "shared-password" else hub.user(name)
    return user


GROUPS = {
    "cognito": ("cognito:groups", {"allowed_groups": ("data",), "admin_groups": ("ops",)}),
    "oidc": ("groups", {"allowed_groups": ("data",), "admin_groups": ("ops",)}),
}


def test_who_leaves_a_group_loses_everything_at_the_next_refresh(idp: Provider, tmp_path: Path):
    idp.knows("eve", groups=["data", "ops"])
    auth = idp.auth("oidc", allowed_groups=("data",), admin_groups=("ops",))
    with hub_with(tmp_path / "project", auth) as hub:
        eve = hub.user("eve")
        token = eve.make_token()
        eve.start("vscode")
        assert ask_api(hub, token, "user").json()["admin"] is True
        idp.knows("eve", groups=["data"])
        eve.wait(lambda: not ask_api(hub, token, "user").json()["admin"])
        idp.knows("eve", groups=[])
        eve.wait(lambda: ask_api(hub, token, "user").status_code == 403)
        assert not eve.logged_in()
        assert eve.try_to_log_in() == 403
        idp.knows("eve", groups=["data"])
        eve.log_in()
        assert ask_api(hub, token, "user").status_code == 403
        eve.wait(lambda: not eve.servers())
        assert hub.home("eve").exists()
