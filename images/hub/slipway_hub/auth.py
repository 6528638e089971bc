"""From the environment file's `auth` to a JupyterHub authenticator."""

from typing import Any

from slipway_hub.settings import HubSettings

CLASSES = {
    "shared-password": "jupyterhub.authenticators.shared.SharedPasswordAuthenticator",
    "native": "nativeauthenticator.NativeAuthenticator",
    "github": "oauthenticator.github.GitHubOAuthenticator",
    "google": "oauthenticator.google.GoogleOAuthenticator",
    "oidc": "oauthenticator.generic.GenericOAuthenticator",
}

USERNAME = r"^[a-z0-9_][a-z0-9_.@+-]{0,99}$"

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
    # A name becomes a folder and part of Kubernetes names; some logins let users choose it.
    c.Authenticator.username_pattern = USERNAME
    c.Authenticator.allow_all = auth["allow_all"]
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
    if domains := auth.get("hosted_domains"):
        section.hosted_domain = domains
    if claim := auth.get("groups_claim"):
        section.manage_groups = True
        section.auth_state_groups_key = lambda state: state["oauth_user"].get(claim, [])
