"""From the environment file's `auth` to a JupyterHub authenticator."""

from functools import partial
from typing import Any

from slipway_hub.settings import HubSettings

CLASSES = {
    "shared-password": "jupyterhub.authenticators.shared.SharedPasswordAuthenticator",
    "native": "nativeauthenticator.NativeAuthenticator",
    "github": "oauthenticator.github.GitHubOAuthenticator",
    "google": "oauthenticator.google.GoogleOAuthenticator",
    "oidc": "oauthenticator.generic.GenericOAuthenticator",
}

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


def configure(c: Any, settings: HubSettings) -> None:
    """Let in those whom the settings name. Raises RuntimeError when a secret is missing."""
    auth = settings.auth
    kind = auth["kind"]
    c.Authenticator.username_pattern = settings.username_pattern
    # An account of the native login counts only once an admin has approved it.
    c.Authenticator.allow_all = auth["allow_all"] or kind == "native"
    # Who is taken from the list is out, although the database knows them.
    c.Authenticator.allow_existing_users = False
    c.Authenticator.allowed_users = set(auth["allowed_users"])
    c.Authenticator.admin_users = set(auth["admin_users"])
    if kind == "shared-password":
        c.SharedPasswordAuthenticator.user_password = settings.secret("user_password")
        c.SharedPasswordAuthenticator.admin_password = settings.secret("admin_password")
    elif kind != "native":
        _oauth(c, settings, CLASSES[kind].rpartition(".")[2])


def _oauth(c: Any, settings: HubSettings, class_name: str) -> None:
    auth, section = settings.auth, c[class_name]
    section.client_secret = settings.secret("oauth_client_secret")
    if settings.addresses.public_url:
        section.oauth_callback_url = f"{settings.addresses.public_url}hub/oauth_callback"
    for name in _SAME_NAME:
        if value := auth.get(name):
            section[name] = set(value) if isinstance(value, list) else value
    if scopes := auth.get("scopes"):
        section.scope = scopes
    if auth.get("allowed_organizations"):
        # Membership is private unless a member publishes it.
        section.scope = ["read:org"]
    if domains := auth.get("hosted_domains"):
        section.hosted_domain = domains
    if claim := auth.get("groups_claim"):
        section.manage_groups = True
        section.auth_state_groups_key = partial(_groups, claim)


def _groups(claim: str, auth_state: dict[str, Any]) -> list[str]:
    """A user's groups; providers send a list, one name, or nothing."""
    groups = auth_state["oauth_user"].get(claim)
    return [groups] if isinstance(groups, str) else list(groups or [])
