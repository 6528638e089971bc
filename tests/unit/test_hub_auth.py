"""From the environment's `auth` to the authenticator that JupyterHub runs: the real classes."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter
from slipway_hub import auth
from slipway_hub.settings import HubSettings
from traitlets.config import Config
from traitlets.utils.importstring import import_item

from slipway.model.auth import AnyAuth
from slipway.settings.hub import kubernetes_settings
from tests.charts.conftest import environment_on_cluster


def authenticator(folder: Path, **said: Any) -> Any:
    for name in ("oauth_client_secret", "user_password", "admin_password"):
        (folder / name).write_text("s" * 32)
    model: Any = TypeAdapter(AnyAuth).validate_python(said)
    environment = environment_on_cluster("kube", auth=model, domain="hub.example.org")
    settings = kubernetes_settings(environment).model_copy(update={"secrets": str(folder)})
    config = Config()
    auth.configure(config, HubSettings.model_validate(settings.model_dump()))
    return import_item(auth.LOGINS[model.kind].authenticator)(config=config)


def groups(login: Any, **state: Any) -> set[str]:
    return set(asyncio.run(login.get_user_groups(state)))


OAUTH = {"client_id": "hub"}


@pytest.mark.parametrize(
    "said",
    [
        {"kind": "github", **OAUTH, "allowed_organizations": ("acme",)},
        {"kind": "google", **OAUTH, "hosted_domains": ("example.org",)},
        {"kind": "cognito", **OAUTH, "pool_domain": "https://a.example", "admin_groups": ("ops",)},
    ],
    ids=lambda said: said["kind"],
)
def test_a_provider_sends_users_back_to_the_hubs_own_address(tmp_path: Path, said: Any):
    login = authenticator(tmp_path, **said)
    assert login.oauth_callback_url == "https://hub.example.org/hub/oauth_callback"
    assert login.client_secret == "s" * 32
    # Google's domains keep everybody else out, and let nobody in by themselves.
    assert login.allow_all is (said["kind"] == "google")
    assert login.allow_existing_users is False


def test_a_google_domain_lets_in_its_own_and_nobody_else(tmp_path: Path):
    login = authenticator(tmp_path, kind="google", **OAUTH, hosted_domains=("example.org",))
    for domain, let_in in (("example.org", True), ("example.com", False)):
        user = {"email": f"ada@{domain}", "verified_email": True, "hd": domain, "domain": domain}
        model = {"name": "ada", "admin": None, "auth_state": {"google_user": user}}
        # What JupyterHub asks, one after the other.
        unblocked = login.check_blocked_users("ada", model)
        assert bool(unblocked and asyncio.run(login.check_allowed("ada", model))) is let_in


def test_cognitos_groups_are_users_groups(tmp_path: Path):
    login = authenticator(
        tmp_path,
        kind="cognito",
        **OAUTH,
        pool_domain="https://acme.auth.eu-central-1.amazoncognito.com/",
        allowed_groups=("data",),
        admin_groups=("ops",),
    )
    assert login.token_url == "https://acme.auth.eu-central-1.amazoncognito.com/oauth2/token"
    assert login.userdata_from_id_token
    assert (login.allowed_groups, login.admin_groups) == ({"data"}, {"ops"})
    assert groups(login, oauth_user={"cognito:groups": ["data", "ml"]}) == {"data", "ml"}
    # A user in no group has no such claim.
    assert groups(login, oauth_user={}) == set()


def test_github_teams_become_groups_when_they_are_asked_for(tmp_path: Path):
    said = {"kind": "github", **OAUTH, "allowed_organizations": ("acme",)}
    login = authenticator(tmp_path, **said, team_groups=True, admin_groups=("acme:ops",))
    assert login.populate_teams_in_auth_state
    assert "read:org" in login.scope
    team = {"slug": "ops", "organization": {"login": "acme"}}
    assert groups(login, teams=[team]) == {"acme:ops"}
    assert not authenticator(tmp_path, **said).manage_groups


def test_an_oidc_provider_may_send_one_group_as_text(tmp_path: Path):
    urls = {
        f"{name}_url": "https://id.example.org/x" for name in ("authorize", "token", "userdata")
    }
    login = authenticator(
        tmp_path, kind="oidc", **OAUTH, **urls, groups_claim="roles", allowed_groups=("data",)
    )
    assert groups(login, oauth_user={"roles": "data"}) == {"data"}
    assert groups(login, oauth_user={"roles": None}) == set()


def test_a_missing_client_secret_keeps_the_hub_from_starting(tmp_path: Path):
    said = TypeAdapter[Any](AnyAuth).validate_python(
        {"kind": "google", **OAUTH, "hosted_domains": ("example.org",)}
    )
    settings = kubernetes_settings(environment_on_cluster("kube", auth=said))
    settings = settings.model_copy(update={"secrets": str(tmp_path)})
    with pytest.raises(RuntimeError, match="oauth_client_secret cannot be read"):
        auth.configure(Config(), settings)
