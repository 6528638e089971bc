"""Who keeps access when a hub starts and when a provider is asked: the real authenticators."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyterhub import orm, roles
from jupyterhub.crypto import CryptKeeper, encrypt
from jupyterhub.user import User
from pydantic import TypeAdapter
from slipway_hub import auth, revocation
from slipway_hub.settings import HubSettings
from tornado.httpclient import HTTPRequest, HTTPResponse
from tornado.httputil import HTTPHeaders
from traitlets.config import Config
from traitlets.utils.importstring import import_item

from slipway.model.auth import AnyAuth
from slipway.settings.hub import kubernetes_settings
from tests.charts.conftest import environment_on_cluster

NOBODY = "https://127.0.0.1:1/"
"""Where no provider answers."""
OIDC = {
    "kind": "oidc",
    "client_id": "hub",
    "authorize_url": NOBODY,
    "token_url": NOBODY,
    "userdata_url": NOBODY,
    "groups_claim": "groups",
}
GOOGLE = {"kind": "google", "client_id": "hub"}
GITHUB = {"kind": "github", "client_id": "hub"}


def login(folder: Path, **said: Any) -> Any:
    for name in ("oauth_client_secret", "user_password", "admin_password", "cookie_secret"):
        (folder / name).write_text(name * 4)
    model: Any = TypeAdapter(AnyAuth).validate_python(said)
    environment = environment_on_cluster("kube", auth=model, domain="hub.example.org")
    written = kubernetes_settings(environment).model_copy(update={"secrets": str(folder)})
    settings = HubSettings.model_validate(written.model_dump())
    config = Config()
    auth.configure(config, settings)
    revocation.configure(config, settings)
    CryptKeeper.instance().keys = config.CryptKeeper.get("keys", [])
    plain = import_item(auth.LOGINS[model.kind].authenticator)
    return revocation.with_revocation(plain, settings)(config=config)


@pytest.fixture
def db() -> Iterator[Any]:
    session = orm.new_session_factory("sqlite:///:memory:")()
    for role in roles.get_default_roles():
        roles.create_role(session, role)
    session.add(orm.OAuthClient(identifier="jupyterhub"))
    session.commit()
    yield session
    session.close()
    CryptKeeper.clear_instance()


def known(db: Any, name: str, groups: tuple[str, ...] = (), **state: Any) -> orm.User:
    """A user whom the hub's database knows, with a token and what a provider said."""
    row = orm.User(name=name, admin=False)
    db.add(row)
    row.groups = [orm.Group(name=group) for group in groups]
    roles.assign_default_roles(db, entity=row)
    db.commit()
    row.new_api_token(note="mine")
    if state:
        row.encrypted_auth_state = asyncio.run(_encrypted(state))
    db.commit()
    return row


async def _encrypted(state: dict[str, Any]) -> bytes:
    found: bytes = await encrypt(state)
    return found


def keeps_access(authenticator: Any, row: orm.User) -> bool:
    """When a hub starts."""
    cookie = row.cookie_id
    asyncio.run(authenticator.add_user(row))
    kept = bool(row.api_tokens)
    assert (row.cookie_id == cookie) is kept
    assert (row.name in authenticator.blocked_users) is not kept
    return kept


def said(**claims: Any) -> dict[str, Any]:
    return {"oauth_user": claims, "token_response": {"access_token": "x", "token_type": "Bearer"}}


@pytest.mark.parametrize(
    ("groups", "kept"), [(["data"], True), ("data", True), (["other"], False), ([], False)]
)
def test_at_the_start_the_providers_last_answer_counts(
    tmp_path: Path, db: Any, groups: Any, kept: bool
):
    hub = login(tmp_path, **OIDC, allowed_groups=("data",))
    assert keeps_access(hub, known(db, "eve", **said(groups=groups))) is kept


@pytest.mark.parametrize(("groups", "kept"), [(("data",), True), (("other",), False)])
def test_groups_in_the_database_stand_for_an_answer_that_was_not_kept(
    tmp_path: Path, db: Any, groups: tuple[str, ...], kept: bool
):
    hub = login(tmp_path, **OIDC, allowed_groups=("data",))
    assert keeps_access(hub, known(db, "eve", groups)) is kept


def test_an_answer_that_cannot_be_read_is_none(tmp_path: Path, db: Any):
    hub = login(tmp_path, **OIDC, allowed_groups=("data",))
    eve = known(db, "eve", **said(groups=["data"]))
    CryptKeeper.instance().keys = [b"k" * 32]  # another cookie secret
    assert not keeps_access(hub, eve)


def test_what_another_kind_of_provider_said_is_no_answer(tmp_path: Path, db: Any):
    hub = login(tmp_path, **OIDC, allowed_groups=("data",))
    github = {"github_user": {"login": "eve"}, "teams": []}
    assert not keeps_access(hub, known(db, "eve", **github))


@pytest.mark.parametrize(("domain", "kept"), [("example.org", True), ("example.com", False)])
def test_at_the_start_a_google_domain_keeps_out_all_others(
    tmp_path: Path, db: Any, domain: str, kept: bool
):
    hub = login(tmp_path, **GOOGLE, hosted_domains=("example.org",))
    user = {"email": f"eve@{domain}", "verified_email": True, "hd": domain, "domain": domain}
    assert keeps_access(hub, known(db, "eve", google_user=user)) is kept


def test_whom_only_github_can_judge_loses_nothing_before_it_is_asked(tmp_path: Path, db: Any):
    hub = login(tmp_path, **GITHUB, allowed_organizations=("acme",))
    eve = known(db, "eve")
    assert keeps_access(hub, eve)
    # And can do nothing either: there is no answer that could be renewed.
    assert asyncio.run(hub.refresh_user(User(eve, {}))) is False
    assert eve.api_tokens


def test_a_name_that_is_none_any_more_is_not_kept(tmp_path: Path, db: Any):
    hub = login(tmp_path, **GITHUB, allow_all=True, open_to_everyone=True)
    eve = known(db, "../eve")
    with pytest.raises(ValueError, match="Invalid username"):
        asyncio.run(hub.add_user(eve))
    assert not eve.api_tokens


def test_at_the_start_admins_are_whom_file_and_groups_name(tmp_path: Path, db: Any):
    hub = login(tmp_path, **OIDC, admin_users=("ada",), admin_groups=("ops",), allow_all=True,
                open_to_everyone=True)  # fmt: skip
    rows = {
        "ada": known(db, "ada"),
        "op": known(db, "op", **said(groups=["ops"])),
        "eve": known(db, "eve", **said(groups=["data"])),
    }
    rows["eve"].admin = True
    roles.assign_default_roles(db, entity=rows["eve"])
    for row in rows.values():
        assert keeps_access(hub, row)
    assert {name for name, row in rows.items() if row.admin} == {"ada", "op"}
    assert [role.name for role in rows["eve"].roles] == ["user"]


def test_an_admin_is_let_in_where_nobody_else_is_named(tmp_path: Path, db: Any):
    hub = login(tmp_path, kind="shared-password", admin_users=("ada",))
    assert hub.check_allowed("ada") is True
    assert hub.check_allowed("eve") is False
    assert keeps_access(hub, known(db, "ada"))
    assert not keeps_access(hub, known(db, "eve"))


def test_users_of_smoke_runs_are_left_alone(tmp_path: Path, db: Any):
    hub = login(tmp_path, **OIDC, allowed_users=("ada",))
    smoker = known(db, "slipway-smoke")
    assert asyncio.run(hub.refresh_user(User(smoker, {}))) is True
    # What a release with another profile has left is nobody's.
    assert not keeps_access(hub, known(db, "slipway-smoke-gone"))


@pytest.mark.parametrize(("ago", "holds"), [(10, True), (revocation.HOLDS + 10, False)])
def test_the_last_answer_of_a_provider_that_is_down_holds_for_an_hour(
    tmp_path: Path, db: Any, ago: int, holds: bool
):
    hub = login(tmp_path, **OIDC, allowed_groups=("data",))
    confirmed = {revocation.CONFIRMED: time.time() - ago}
    eve = known(db, "eve", **said(groups=["data"]), **confirmed)
    assert bool(asyncio.run(hub.refresh_user(User(eve, {})))) is holds
    assert eve.api_tokens


def test_two_requests_at_once_ask_the_provider_once(tmp_path: Path, db: Any):
    """Some take a refresh token only once."""
    hub = login(tmp_path, **OIDC, allowed_groups=("data",))
    eve = User(known(db, "eve", **said(groups=["data"])), {})
    asked = []

    async def token_to_user(token: Any) -> Any:
        asked.append(token)
        await asyncio.sleep(0)
        return {"preferred_username": "eve", "groups": ["data"]}

    hub.token_to_user = token_to_user

    async def both() -> Any:
        return await asyncio.gather(hub.refresh_user(eve), hub.refresh_user(eve))

    first, second = asyncio.run(both())
    assert first["groups"] == second["groups"] == ["data"]
    assert len(asked) == 1


def test_a_refresh_token_that_google_sends_once_is_kept():
    model = {"auth_state": {"refresh_token": None}}
    state = revocation._complete(None, model, {"refresh_token": "first"})
    assert state["refresh_token"] == "first"
    assert revocation._complete(None, {"auth_state": None}, None) is None


@pytest.mark.parametrize(
    ("code", "headers", "out_of_order"),
    [
        (204, {}, False),
        (404, {}, False),
        (302, {}, False),
        (403, {}, False),  # an organisation that does not let the hub ask
        (403, {"X-RateLimit-Remaining": "0"}, True),
        (403, {"Retry-After": "60"}, True),
        (429, {}, True),
        (500, {}, True),
        (599, {}, True),
    ],
)
def test_an_api_that_is_out_of_order_is_not_taken_for_a_no(
    code: int, headers: dict[str, str], out_of_order: bool
):
    answer = HTTPResponse(HTTPRequest("https://api.example"), code, HTTPHeaders(headers))
    assert revocation._out_of_order(answer) is out_of_order


def test_json_is_an_answer():
    assert not revocation._out_of_order({"login": "eve"})
    assert not revocation._out_of_order(None)
