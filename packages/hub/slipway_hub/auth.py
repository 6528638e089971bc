"""From the environment file's `auth` to a JupyterHub authenticator: one entry of `LOGINS` each."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from slipway_hub import revocation, smoke
from slipway_hub.settings import HubSettings


@dataclass(frozen=True)
class Login:
    """A kind of login."""

    authenticator: str
    """The class, by its import path."""
    configure: Callable[[Any, HubSettings], None]
    """Sets on the class's section of the configuration what the settings say."""
    account_claim: str = "sub"
    """What a provider never gives to a second account; empty for a login without accounts."""
    ignores_case: bool = False
    """Whether names that differ in case alone are the same account's there."""

    @property
    def section(self) -> str:
        return self.authenticator.rpartition(".")[2]


def configure(c: Any, settings: HubSettings) -> None:
    """Let in those whom the settings name. Raises RuntimeError when a secret is missing."""
    auth = settings.auth
    login = LOGINS[auth["kind"]]
    c.Authenticator.username_pattern = settings.username_pattern
    c.Authenticator.allow_all = auth["allow_all"]
    # Who is taken from the list is out, although the database knows them.
    c.Authenticator.allow_existing_users = False
    # JupyterHub lets admins in by themselves only where somebody else is named, too.
    c.Authenticator.allowed_users = {*auth["allowed_users"], *auth["admin_users"]}
    c.Authenticator.admin_users = set(auth["admin_users"])
    if not settings.spawning.is_local:
        # No account of an identity provider can become one of these.
        c.Authenticator.blocked_users = set(smoke.users(settings))
    elif auth["allowed_users"]:
        c.Authenticator.allowed_users |= set(smoke.users(settings))
    login.configure(c[login.section], settings)


def _shared_password(section: Any, settings: HubSettings) -> None:
    files = settings.secret_files
    section.user_password = settings.secret(files.user_password)
    if settings.auth["admin_users"]:
        section.admin_password = settings.secret(files.admin_password)


_SAME_NAME = (
    "client_id",
    "allowed_organizations",
    "authorize_url",
    "token_url",
    "userdata_url",
    "username_claim",
    "allowed_groups",
    "admin_groups",
)
"""Keys of the environment file that oauthenticator calls the same."""


def _oauth(own: Callable[[Any, dict[str, Any]], None], section: Any, settings: HubSettings) -> None:
    """Set what all providers have in common; `own` sets what only one of them has."""
    auth = settings.auth
    section.client_secret = settings.secret(settings.secret_files.oauth_client_secret)
    if settings.addresses.public_url:
        section.oauth_callback_url = f"{settings.addresses.public_url}hub/oauth_callback"
    own(section, auth)
    # After manage_groups, which these insist on.
    for name in _SAME_NAME:
        if value := auth.get(name):
            section[name] = set(value) if isinstance(value, list) else value


def _github(section: Any, auth: dict[str, Any]) -> None:
    if auth["allowed_organizations"] or auth["team_groups"]:
        # Membership is private unless a member publishes it.
        section.scope = ["read:org"]
    if auth["team_groups"]:
        section.populate_teams_in_auth_state = True
        section.manage_groups = True
        section.auth_state_groups_key = _teams


def _google(section: Any, auth: dict[str, Any]) -> None:
    # Else Google says only for an hour who somebody is.
    section.extra_authorize_params = {"access_type": "offline"}
    if domains := auth["hosted_domains"]:
        # It keeps other domains out, and lets nobody in by itself.
        section.hosted_domain = domains
        section.allow_all = True


def _cognito(section: Any, auth: dict[str, Any]) -> None:
    """https://docs.aws.amazon.com/cognito/latest/developerguide/federation-endpoints.html"""
    domain = auth["pool_domain"].rstrip("/")
    section.authorize_url = f"{domain}/oauth2/authorize"
    section.token_url = f"{domain}/oauth2/token"
    # Groups are in the ID token, which comes straight from the token endpoint, and not in what
    # the userinfo endpoint says.
    section.userdata_from_id_token = True
    section.refresh_user_hook = revocation.get_id_token
    section.username_claim = "cognito:username"
    section.scope = ["openid", "email", "profile"]
    _groups_by_claim(section, "cognito:groups")


def _oidc(section: Any, auth: dict[str, Any]) -> None:
    section.scope = auth["scopes"]
    if claim := auth["groups_claim"]:
        _groups_by_claim(section, claim)


def _groups_by_claim(section: Any, claim: str) -> None:
    section.manage_groups = True
    section.auth_state_groups_key = partial(_claimed, claim)


def _claimed(claim: str, auth_state: dict[str, Any]) -> list[str]:
    """A user's groups; providers send a list, one name, or nothing."""
    groups = auth_state["oauth_user"].get(claim)
    return [groups] if isinstance(groups, str) else list(groups or [])


def _teams(auth_state: dict[str, Any]) -> list[str]:
    """GitHub teams as `organisation:team`, the form that allowed_organizations has."""
    teams = auth_state.get("teams") or []
    return [f"{team['organization']['login']}:{team['slug']}" for team in teams]


GENERIC = "oauthenticator.generic.GenericOAuthenticator"
LOGINS = {
    "shared-password": Login(
        "jupyterhub.authenticators.shared.SharedPasswordAuthenticator", _shared_password, "", True
    ),
    "github": Login(
        "oauthenticator.github.GitHubOAuthenticator", partial(_oauth, _github), "id", True
    ),
    "google": Login(
        "oauthenticator.google.GoogleOAuthenticator", partial(_oauth, _google), "id", True
    ),
    "cognito": Login(GENERIC, partial(_oauth, _cognito)),
    "oidc": Login(GENERIC, partial(_oauth, _oidc)),
}
"""By the `kind` of an environment file's `auth`."""
