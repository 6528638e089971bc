"""Who is no longer allowed loses sessions, tokens, servers and admin rights, with each login."""

import json
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.logins import LoginHub, LoginUser, Provider, hub_with, provider

NOW = "2026-01-01T00:00:00Z"
IN_EACH_RUN = ("shared-password", "oidc")
"""Kinds of login that are tried in `make test`; the others go the same way as oidc."""


def kinds(*names: str) -> pytest.MarkDecorator:
    slow = pytest.mark.slow
    tried = [pytest.param(name, marks=() if name in IN_EACH_RUN else slow) for name in names]
    return pytest.mark.parametrize("kind", tried)


@pytest.fixture(scope="module")
def idp() -> Iterator[Provider]:
    with provider() as server:
        yield server


@kinds("shared-password", "github", "google", "cognito", "oidc")
def test_who_is_taken_out_of_the_file_loses_everything(idp: Provider, tmp_path: Path, kind: str):
    ada, eve = (f"{name}@example.org" if kind == "google" else name for name in ("ada", "eve"))
    for name in (ada, eve):
        idp.knows(name)
    folder, extra = tmp_path / "project", idp.extra_config(kind)
    with_eve = idp.auth(kind, allowed_users=(eve,), admin_users=(ada,))
    with hub_with(folder, with_eve, extra) as hub:
        kept, lost = hub.admin_of_its_kind(ada), hub.user(eve)
        tokens = {user.name: user.make_token() for user in (kept, lost)}
        assert hub.api(tokens[eve], "user").status_code == 200
        assert hub.api(tokens[ada], "users").status_code == 200
        former = hub.smoke_token
        assert hub.api(former, "info").status_code == 200
    hub.write_smoke_token("t" * 32)
    with hub_with(folder, idp.auth(kind, allowed_users=(ada,)), extra) as hub:
        assert hub.api(former, "info").status_code == 403
        assert hub.api(hub.smoke_token, "info").status_code == 200
        # Still here, and no admin any more; nor by logging in again.
        assert hub.api(tokens[ada], "user").json()["admin"] is False
        assert hub.api(tokens[ada], "users").status_code == 403
        assert kept.moved_to(hub).logged_in()
        assert kept.try_to_log_in() == 302
        assert kept.get("/hub/admin").status_code == 403
        # Not here any more.
        assert hub.api(tokens[eve], "user").status_code == 403
        assert hub.api(tokens[eve], f"users/{eve}/server", "POST").status_code == 403
        assert not lost.moved_to(hub).logged_in()
        assert lost.try_to_log_in() == 403
    with hub_with(folder, with_eve, extra) as hub:
        # Allowed again: nothing old comes back, and a new login is let in.
        assert not lost.moved_to(hub).logged_in()
        assert hub.api(tokens[eve], "user").status_code == 403
        assert lost.try_to_log_in() == 302


@pytest.mark.slow
def test_a_restored_database_gives_nothing_back(idp: Provider, tmp_path: Path):
    folder, copy = tmp_path / "project", tmp_path / "copy"
    with hub_with(folder, idp.auth("shared-password", allowed_users=("ada", "eve"))) as hub:
        eve = hub.user("eve")
        token = eve.make_token()
    shutil.copy(hub.database, copy)
    only_ada = idp.auth("shared-password", allowed_users=("ada",))
    with hub_with(folder, only_ada) as hub:
        assert hub.api(token, "user").status_code == 403
    shutil.copy(copy, hub.database)
    with hub_with(folder, only_ada) as hub:
        assert hub.api(token, "user").status_code == 403
        assert not eve.moved_to(hub).logged_in()


@pytest.mark.slow
def test_servers_that_outlived_the_hub_are_stopped_when_it_starts(idp: Provider, tmp_path: Path):
    folder = tmp_path / "project"
    # As in a cluster.
    stays = {"JupyterHub": {"cleanup_servers": False}}
    both = idp.auth("shared-password", allowed_users=("ada", "eve"))
    with hub_with(folder, both, stays) as hub:
        eve = hub.user("eve")
        eve.start("vscode")
        server = psutil.Process(_pid_of_server(hub, "eve"))
        home = hub.home("eve")
        # The hub alone: what stops it otherwise ends its servers, too.
        (program,) = (p for p in psutil.process_iter() if _runs_hub_of(p, folder))
        program.send_signal(signal.SIGKILL)
        program.wait(10)
        assert not _has_ended(server)
    try:
        with hub_with(folder, idp.auth("shared-password", allowed_users=("ada",)), stays):
            eve.wait(lambda: _has_ended(server))
    finally:
        if server.is_running():
            server.kill()
    assert home.exists()


def _has_ended(process: psutil.Process) -> bool:
    """Also as a zombie: who reaps it is not for us to know."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _pid_of_server(hub: LoginHub, user: str) -> int:
    query = "SELECT s.state FROM spawners s JOIN users u ON s.user_id = u.id WHERE u.name = ?"
    with closing(sqlite3.connect(hub.database)) as connection:
        ((state,),) = connection.execute(query, (user,))
    return int(json.loads(state)["pid"])


def _runs_hub_of(process: psutil.Process, folder: Path) -> bool:
    try:
        return "slipway_hub.commands" in process.cmdline() and str(folder) in process.cwd()
    except psutil.Error:
        return False


REFRESHED: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "oidc": ({"allowed_groups": ("data",)}, {"groups": ["data"]}, {"groups": ["other"]}),
    "cognito": (
        {"allowed_groups": ("data",)},
        {"cognito:groups": ["data"]},
        {"cognito:groups": []},
    ),
    "github": ({"allowed_organizations": ("acme",)}, {"orgs": ("acme",)}, {"orgs": ()}),
    "google": ({"hosted_domains": ("example.org",)}, {"hd": "example.org"}, {"hd": "evil.test"}),
}
"""By kind of login: what the file says, what lets a user in, and what does not."""


@kinds(*REFRESHED)
def test_who_the_provider_no_longer_vouches_for_loses_everything_at_a_refresh(
    idp: Provider, tmp_path: Path, kind: str
):
    said, allowed, not_allowed = REFRESHED[kind]
    idp.knows("eve", **allowed)
    with hub_with(tmp_path / "project", idp.auth(kind, **said), idp.extra_config(kind)) as hub:
        eve = hub.user("eve")
        token = eve.make_token()
        eve.start("vscode")
        assert hub.api(token, "user").status_code == 200
        idp.knows("eve", **not_allowed)
        eve.wait(lambda: hub.api(token, "user").status_code == 403)
        assert not eve.logged_in()
        assert eve.try_to_log_in() == 403
        idp.knows("eve", **allowed)
        eve.log_in()
        assert hub.api(token, "user").status_code == 403
        eve.wait(lambda: not eve.servers())
        assert hub.home("eve").exists()


@pytest.fixture(scope="module")
def groups_hub(idp: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoginHub]:
    folder = tmp_path_factory.mktemp("groups") / "project"
    auth = idp.auth("oidc", allowed_groups=("data",), admin_groups=("ops",))
    with hub_with(folder, auth) as hub:
        yield hub


def test_admins_are_whom_the_logins_groups_name(idp: Provider, groups_hub: LoginHub):
    hub = groups_hub
    idp.knows("op", groups=["ops"])
    idp.knows("ann", groups=["data"])
    op, ann = hub.user("op"), hub.user("ann")
    token, anns = op.make_token(), ann.make_token()
    assert hub.api(token, "users").status_code == 200
    # What an admin grants beside the groups ends at the next refresh.
    assert hub.api(token, "users/ann", "PATCH", admin=True).json()["admin"] is True
    ann.wait(lambda: hub.api(anns, "user").json()["admin"] is False)
    idp.knows("op", groups=["data"])
    op.wait(lambda: hub.api(token, "users").status_code == 403)
    assert hub.api(token, "user").json()["admin"] is False


def test_whose_session_at_the_provider_ends_must_log_in_again_and_loses_nothing(
    idp: Provider, groups_hub: LoginHub
):
    hub = groups_hub
    idp.knows("bob", groups=["data"])
    bob = hub.user("bob")
    token = bob.make_token()
    bob.start("vscode")
    idp.ends_sessions("bob")
    bob.wait(lambda: hub.api(token, "user").status_code == 403)
    assert hub.api(token, "users/bob/servers/other", "POST").status_code == 403
    assert not bob.logged_in()
    # What servers report is taken, else a computation would count as idle.
    assert hub.api(token, "users/bob/activity", "POST", last_activity=NOW).status_code < 300
    bob.log_in()
    assert hub.api(token, "user").status_code == 200
    assert bob.servers()[""]["ready"]


def test_who_has_another_name_at_the_provider_must_log_in_again(
    idp: Provider, groups_hub: LoginHub
):
    idp.knows("cat", groups=["data"])
    cat = groups_hub.user("cat")
    idp.knows("cat", groups=["data"], preferred_username="dog")
    cat.wait(lambda: not cat.logged_in())


def test_users_of_smoke_runs_are_asked_for_nowhere(groups_hub: LoginHub):
    """No provider knows them. Their service starts their servers, and they act by tokens."""
    hub, service, user = groups_hub, groups_hub.smoke_token, "users/slipway-smoke-vscode"
    assert hub.api(service, user, "POST").status_code == 201
    try:
        own = hub.api(service, f"{user}/tokens", "POST", note="smoke").json()["token"]
        options = {"profile": "vscode"}
        started = hub.api(service, f"{user}/server", "POST", user_options=options)
        assert started.status_code in (201, 202), started.text
        LoginUser(hub).wait(lambda: hub.api(own, user).json()["servers"][""]["ready"])
        assert hub.api(own, f"{user}/server", "DELETE").status_code in (202, 204)
        LoginUser(hub).wait(lambda: not hub.api(own, user).json()["servers"])
    finally:
        assert hub.api(service, user, "DELETE").status_code == 204


def test_a_provider_that_is_down_takes_nothing_from_anybody(tmp_path: Path):
    with ExitStack() as hubs:
        with provider() as server:
            server.knows("eve", groups=["data"])
            auth = server.auth("oidc", allowed_groups=("data",))
            hub = hubs.enter_context(hub_with(tmp_path / "project", auth))
            eve = hub.user("eve")
        log = hub.folder / ".slipway/hub/jupyterhub.log"
        eve.wait(lambda: eve.logged_in() and "The provider does not answer" in log.read_text())
