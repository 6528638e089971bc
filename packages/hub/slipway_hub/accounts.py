"""Whose a user of the hub is: one account of the identity provider, one user, one home.

Homes, pods and tokens go by names, and names that a provider tells apart may be one name here. A
name that could be two accounts' is refused at the login, with a page that says why. Beyond that a
user belongs to the account that first logged in under its name, known by what the provider never
gives again (`sub`). See docs/decisions/0032-one-account-one-home.md.
"""

import time
from typing import Any

from tornado.web import HTTPError

from slipway_hub import smoke
from slipway_hub.auth import LOGINS, Login
from slipway_hub.settings import HubSettings

ACCOUNT = "account"
"""Key of a user's `user_info` in the hub's database: the account whose the user is."""
JUST_NOW = 60
"""Seconds after a login in which a page of the provider may lead to the start of a server."""


class Refused(HTTPError):  # type: ignore[misc]  # noqa: N818  (it is an answer)
    """A login that ends with a page that says why."""

    def __init__(self, why: str) -> None:
        super().__init__(403, why)


def one_user_per_account(authenticator: Any, settings: HubSettings) -> Any:
    """The authenticator's class, extended by what this module refuses."""
    local = settings.spawning.is_local
    own = {
        "auth": settings.auth,
        "login": LOGINS[settings.auth["kind"]],
        "local_smoke_users": frozenset(smoke.users(settings) if local else ()),
    }
    # The name is what the configuration calls it by.
    return type(authenticator.__name__, (OneUserPerAccount, authenticator), own)


class OneUserPerAccount:
    """What an authenticator's class is extended by."""

    auth: dict[str, Any]
    login: Login
    local_smoke_users: frozenset[str]
    """Who logs in on a laptop: a run tries the password with the users that it has made."""
    # Of the authenticator.
    username_claim: Any
    user_auth_state_key: str

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self._accounts: dict[str, dict[str, str]] = {}
        """By user. Two first logins at once find nothing in the database yet."""
        self._logins: dict[str, float] = {}
        """When users have logged in, until a start of a server has counted on it."""

    def normalize_username(self, username: str) -> str:
        """JupyterHub's, for ASCII. lower() makes a k of a Kelvin sign: it stays, and is refused."""
        if not username.isascii():
            return username
        name: str = super().normalize_username(username)  # type: ignore[misc]
        return name

    async def authenticate(self, handler: Any, data: Any = None, **options: Any) -> Any:
        if data and "username" in data:
            self._check_name(data["username"])
        return await super().authenticate(handler, data, **options)  # type: ignore[misc]

    def user_info_to_username(self, user_info: dict[str, Any]) -> str:
        """The name that a provider's claims give, unless it could be another account's, too."""
        claim = self.username_claim
        verified = user_info.get("email_verified", user_info.get("verified_email"))
        if claim == "email" and verified not in (True, "true"):
            raise Refused(
                "The identity provider does not say that your e-mail address is verified."
            )
        try:
            name: str = super().user_info_to_username(user_info)  # type: ignore[misc]
        except (ValueError, LookupError, AttributeError, TypeError):
            raise Refused(f"The identity provider sends no name for you ({claim}).") from None
        self._check_name(name)
        return name

    def _check_name(self, name: Any) -> None:
        ignores_case = self.login.ignores_case or self.auth.get("ignore_case", False)
        why = ambiguity(name, ignores_case)
        if not why and not self.validate_username(self.normalize_username(name)):  # type: ignore[attr-defined]
            why = "it is not made of up to a hundred letters, digits and _.@+-"
        if why:
            raise Refused(
                f"{ascii(name)[:80]} cannot be your name here: {why}. An administrator can have "
                "names taken from another claim of the identity provider (username_claim)."
            )

    async def run_post_auth_hook(self, handler: Any, auth_model: Any) -> Any:
        """JupyterHub calls this last, when it would let somebody in."""
        auth_model = await super().run_post_auth_hook(handler, auth_model)  # type: ignore[misc]
        # No await from here on: of two logins at once, the second sees the first.
        name = auth_model["name"]
        user = handler.find_user(name)
        if smoke.is_reserved(name) and not (user and name in self.local_smoke_users):
            raise Refused(smoke.RESERVED)
        if self.login.account_claim:
            account = self._account(auth_model)
            known = (user.orm_user.user_info or {}).get(ACCOUNT) if user else None
            first = self._accounts.get(name) or known or account
            # Another issuer is another environment file: somebody has decided who is who.
            if first["issuer"] == account["issuer"] and first["subject"] != account["subject"]:
                raise Refused(
                    f"The user {name} belongs to another account of the identity provider, which "
                    "logged in before. If that one is gone, an administrator can delete the user; "
                    "whoever logs in next as this user gets the files that are left."
                )
            self._accounts[name] = account
            auth_model["user_info"] = {**(auth_model.get("user_info") or {}), ACCOUNT: account}
        self._logins[name] = time.monotonic()
        return auth_model

    def has_just_logged_in(self, name: str) -> bool:
        """Once for each login: whoever it was that sent the browser here, the user has acted."""
        return time.monotonic() - self._logins.pop(name, -JUST_NOW) < JUST_NOW

    def _account(self, auth_model: dict[str, Any]) -> dict[str, str]:
        """What stays the same for one account, and is nobody else's. Raises Refused."""
        claims = (auth_model["auth_state"] or {}).get(self.user_auth_state_key) or {}
        subject = claims.get(self.login.account_claim)
        if isinstance(subject, bool) or not isinstance(subject, (str, int)) or subject == "":
            raise Refused(
                "The identity provider does not say which account is yours: it sends no "
                f"{self.login.account_claim}."
            )
        auth = self.auth
        issuer = auth.get("authorize_url") or auth.get("pool_domain") or auth["kind"]
        return {"issuer": issuer, "subject": str(subject)}

    def delete_user(self, user: Any) -> Any:
        self._accounts.pop(user.name, None)
        return super().delete_user(user)  # type: ignore[misc]


def ambiguity(name: Any, ignores_case: bool) -> str | None:
    """Why a provider's name may be more than one account's here; None if it is not."""
    if not isinstance(name, str):
        return "it is not text"
    if not name.isascii():
        return "it has characters beyond ASCII, some of which look alike or become the same"
    if name != name.lower() and not ignores_case:
        return "it has capital letters, and the same name in small ones may be somebody else's"
    return None
