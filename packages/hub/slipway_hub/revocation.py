"""Taking access away: who is no longer allowed loses sessions, tokens and running servers.

JupyterHub asks whether somebody is allowed at their login alone. Here the same is asked when the
hub starts, of everybody in its database, and at each refresh, when the identity provider says anew
who they are. Admins are whom the file and the login's groups name, nobody else. Files stay.
Why it is so: docs/decisions/0029-taking-access-away.md.
"""

import asyncio
import hashlib
import time
from typing import Any

from jupyterhub import orm, roles
from jupyterhub.apihandlers.users import ActivityAPIHandler
from jupyterhub.crypto import EncryptionUnavailable, InvalidToken, decrypt
from jupyterhub.utils import maybe_future, new_token
from sqlalchemy.orm import object_session
from tornado.httpclient import HTTPError as ProviderError
from tornado.web import HTTPError

from slipway_hub import smoke
from slipway_hub.settings import HubSettings

HOLDS = 3600
"""Seconds that a provider's last answer counts while it does not answer. Not for ever: at GitHub
whoever was removed could use up the number of requests that they have themselves."""
CONFIRMED = "slipway_confirmed"
"""In what is kept of a provider's answer: when it was given."""


def configure(c: Any, settings: HubSettings) -> None:
    """Ask before a server starts, too, and take no token of those who must log in again."""
    c.Authenticator.refresh_pre_spawn = True
    c.Authenticator.auth_refresh_strict = True
    if "client_id" not in settings.auth:
        return  # there is no provider who could be asked
    # What the provider has said, and what it may be asked again with, encrypted.
    c.Authenticator.enable_auth_state = True
    c.Authenticator.reconcile_auth_state_hook = _complete
    secret = settings.secret(settings.secret_files.cookie_secret)
    c.CryptKeeper.keys = [hashlib.sha256(f"auth_state {secret}".encode()).digest()]


def handlers() -> list[Any]:
    return [(r"/api/users/([^/]+)/activity", Activity)]


def with_revocation(authenticator: Any, settings: HubSettings) -> Any:
    """The authenticator's class, which asks again who is allowed."""
    own = {"users_of_smoke_runs": frozenset(smoke.users(settings))}
    return type(authenticator.__name__, (Revocation, authenticator), own)


def _complete(_: Any, model: dict[str, Any], before: dict[str, Any] | None) -> Any:
    """A provider's answer with when it was given and, since Google sends one with somebody's first
    login alone, the refresh token that there was."""
    state = model["auth_state"]
    if state:
        state.setdefault(CONFIRMED, time.time())
        if before and not state.get("refresh_token"):
            state["refresh_token"] = before.get("refresh_token")
    return state


async def get_id_token(authenticator: Any, user: Any, state: dict[str, Any] | None) -> bool | None:
    """For a login that knows users by their ID token, which never changes: fetch a new one, which
    oauthenticator then reads. False if the provider refuses, and there must be a new login."""
    if not (state and state.get("refresh_token")):
        return False
    parameters = authenticator.build_refresh_token_request_params(state["refresh_token"])
    try:
        response = await authenticator.get_token_info(None, parameters)
    except ProviderError as error:
        if error.code >= 500:
            raise
        return False
    state["token_response"] = {"refresh_token": state["refresh_token"], **response}
    return None


class Activity(ActivityAPIHandler):  # type: ignore[misc]
    """Servers of those who must log in again still report: what they compute is not idle."""

    async def refresh_auth(self, user: Any, force: bool = False) -> Any:
        refreshed = await super().refresh_auth(user, force)
        return refreshed or (None if user.name in self.authenticator.revoked else user)


class Revocation:
    """What an authenticator's class is extended by."""

    users_of_smoke_runs: frozenset[str]
    """Made and removed by the service of smoke runs; no login lets them in."""
    # Of the authenticator.
    log: Any
    admin_users: set[str]
    allowed_users: set[str]
    blocked_users: set[str]
    allow_all: bool
    manage_groups: bool

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.revoked: set[str] = set()
        """Who has lost access, until a login lets them in again."""
        self._asking: dict[str, asyncio.Future[Any]] = {}
        self._stopping: set[asyncio.Future[None]] = set()

    def is_admin(self, handler: Any, authentication: dict[str, Any]) -> bool:
        """Where the login's groups say nothing. JupyterHub's own never says no."""
        return authentication["name"] in self.admin_users

    def check_blocked_users(self, username: str, authentication: Any) -> Any:
        """At a login. Whether those who lost access have it again is for `check_allowed`."""
        if username in self.revoked:
            self.revoked.discard(username)
            self.blocked_users.discard(username)
        return super().check_blocked_users(username, authentication)  # type: ignore[misc]

    async def httpfetch(self, *arguments: Any, **options: Any) -> Any:
        """A provider that is out of order says nothing about anybody, while oauthenticator reads
        each answer but one as "no member". Raises ProviderError."""
        answer = await super().httpfetch(*arguments, **options)  # type: ignore[misc]
        if _out_of_order(answer):
            raise ProviderError(answer.code, response=answer)
        return answer

    def get_handlers(self, app: Any) -> list[Any]:
        """JupyterHub calls this at its start when it has read everything else."""
        _drop_former_tokens_of_services(app)
        found: list[Any] = super().get_handlers(app)  # type: ignore[misc]
        return found

    async def add_user(self, user: Any) -> None:
        """JupyterHub calls this at its start with the database's row of every user."""
        if isinstance(user, orm.User) and user.name not in self.users_of_smoke_runs:
            known = await self._last_answer(user)
            if not await self._allowed_as_last_known(known):
                self._take_credentials(user)
            elif user.admin != known["admin"]:
                self._set_admin(user, known["admin"])
        await maybe_future(super().add_user(user))  # type: ignore[misc]

    async def refresh_user(self, user: Any, handler: Any = None, **options: Any) -> Any:
        """Whether the user is who they were and may still be here: JupyterHub's answers, where
        False means that they must log in (again)."""
        if user.name in self.users_of_smoke_runs:
            return True
        if not hasattr(handler, "_token_authenticated") and handler:
            # JupyterHub 6.1.1 reads it after a False, and has set it with tokens alone.
            handler._token_authenticated = False
        # At most once at a time: some providers take a refresh token only once.
        asking = self._asking.get(user.name)
        if asking is None:
            asking = asyncio.ensure_future(self._ask(user, handler))
            self._asking[user.name] = asking
            asking.add_done_callback(lambda _: self._asking.pop(user.name, None))
        return await asyncio.shield(asking)

    async def _ask(self, user: Any, handler: Any) -> Any:
        try:
            model = await super().refresh_user(user, handler)  # type: ignore[misc]
            if not model or (model is not True and model["name"] != user.name):
                return False
            allowed = model is not True and await self._allowed(model)
        except (ProviderError, OSError) as error:
            self.log.warning("The provider does not answer: %s", error)
            model = await self._has_just_answered(user)
        except (HTTPError, LookupError, TypeError, ValueError):
            # Its words may hold tokens.
            self.log.warning("What the provider says of %s cannot be used", user.name)
            return False
        if model is True:
            known = await self._last_answer(user.orm_user)
            allowed = await self._allowed_as_last_known(known)
            if allowed and user.admin == known["admin"]:
                return True
            model = {"admin": known["admin"], "groups": None}
        if model and not allowed:
            self._take_credentials(user.orm_user)
            self._stop_servers(user, handler)
            return False
        if model and model["admin"] is None:
            model["admin"] = self.is_admin(handler, {"name": user.name})
        return model

    async def _has_just_answered(self, user: Any) -> bool:
        state = await self._auth_state(user.orm_user)
        return bool(state and time.time() - state.get(CONFIRMED, 0) < HOLDS)

    async def _allowed(self, model: dict[str, Any]) -> bool:
        """What JupyterHub asks at a login. Raises ProviderError."""
        name = model["name"]
        if not await maybe_future(self.check_blocked_users(name, model)):
            return False
        try:
            return self.allow_all or bool(await maybe_future(self.check_allowed(name, model)))  # type: ignore[attr-defined]
        except HTTPError:
            return False  # how oauthenticator refuses with a reason

    async def _last_answer(self, row: orm.User) -> dict[str, Any]:
        """What is known of somebody without asking the provider, under the file as it is."""
        state, groups = await self._auth_state(row), set()
        if self.manage_groups:
            groups = {group.name for group in row.groups}
            if state:
                groups = await maybe_future(self.get_user_groups(state))  # type: ignore[attr-defined]
        admin = row.name in self.admin_users or groups & getattr(self, "admin_groups", set())
        return {"name": row.name, "admin": bool(admin), "groups": groups, "auth_state": state}

    async def _allowed_as_last_known(self, known: dict[str, Any]) -> bool:
        """Also whoever only the provider can judge: it is asked before they can do anything."""
        if not self.validate_username(known["name"]):  # type: ignore[attr-defined]
            return False
        if getattr(self, "allowed_organizations", None):
            return True
        if known["auth_state"] or not getattr(self, "enable_auth_state", False):
            return await self._allowed(known)
        groups = known["groups"] & getattr(self, "allowed_groups", set())
        named = known["admin"] or groups or known["name"] in self.allowed_users
        return bool(named or self.allow_all)

    def _set_admin(self, row: orm.User, admin: bool) -> None:
        self.log.warning("%s is %s", row.name, "an admin" if admin else "no admin any more")
        row.admin = admin
        roles.assign_default_roles(object_session(row), entity=row)

    def _take_credentials(self, row: orm.User) -> None:
        """Sessions, tokens and admin rights. At the hub's start JupyterHub stops the servers of
        blocked users."""
        self.log.warning("%s is not allowed any more", row.name)
        self.revoked.add(row.name)
        self.blocked_users.add(row.name)
        row.api_tokens, row.oauth_codes = [], []
        row.cookie_id, row.encrypted_auth_state = new_token(), None
        self._set_admin(row, False)
        session = object_session(row)
        assert session
        session.commit()

    def _stop_servers(self, user: Any, handler: Any) -> None:
        for spawner in user.spawners.values():
            if spawner.active:
                task = asyncio.ensure_future(self._stop(user, spawner, handler))
                self._stopping.add(task)
                task.add_done_callback(self._stopping.discard)

    async def _stop(self, user: Any, spawner: Any, handler: Any) -> None:
        while spawner.pending:
            await asyncio.sleep(1)
        if spawner.ready:
            await handler.stop_single_user(user, spawner.name)

    async def _auth_state(self, row: orm.User) -> dict[str, Any] | None:
        """What this kind of provider said last; None if nothing is kept that can be read."""
        if row.encrypted_auth_state is None:
            return None
        try:
            state: dict[str, Any] | None = await decrypt(row.encrypted_auth_state)
        except (ValueError, InvalidToken, EncryptionUnavailable):
            return None
        return state if state and getattr(self, "user_auth_state_key", "") in state else None


def _drop_former_tokens_of_services(app: Any) -> None:
    """A token that a secret held before it was given another: JupyterHub takes both."""
    services = app.tornado_settings["services"].values()
    current = {orm.APIToken.find(app.db, service.api_token) for service in services}
    for service in app.db.query(orm.Service):
        for token in service.api_tokens:
            if token not in current:
                app.db.delete(token)
    app.db.commit()


def _out_of_order(answer: Any) -> bool:
    """Whether an HTTP response is no answer: a failure, or a limit of requests that is reached."""
    code = getattr(answer, "code", 200)
    limited = code == 403 and (
        "Retry-After" in answer.headers or answer.headers.get("X-RateLimit-Remaining") == "0"
    )
    return code >= 500 or code == 429 or limited
