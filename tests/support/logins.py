"""Hubs with each kind of login, a real OpenID Connect server for them, and users who log in."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import flask
import httpx
import jwt
import oidc_provider_mock
from werkzeug.serving import make_server

from slipway.local import hub as local_hub
from slipway.model import load
from slipway.model.auth import Cognito, GitHub, Google, Oidc, SharedPassword
from tests.support.local import Hub, User, make_project

MODELS: dict[str, Any] = {
    "shared-password": SharedPassword,
    "github": GitHub,
    "google": Google,
    "cognito": Cognito,
    "oidc": Oidc,
}


@dataclass(frozen=True)
class Provider:
    """An OpenID Connect server (oidc-provider-mock, which is authlib's), by its address."""

    url: str
    members: dict[str, list[str]] = field(default_factory=dict)
    """Organisations by user, for the one question that is put to GitHub's own API."""

    def knows(self, name: str, orgs: tuple[str, ...] = (), **claims: Any) -> None:
        """Each claim by which a kind of login knows `name`."""
        self.members[name] = list(orgs)
        known = {
            "preferred_username": name,
            "cognito:username": name,
            "login": name,
            "email": name if "@" in name else f"{name}@example.org",
            "email_verified": True,
            "verified_email": True,
            "id": f"id-of-{name}",
            "hd": "example.org",
        }
        self._send("PUT", f"users/{name}", json=known | claims)

    def ends_sessions(self, name: str) -> None:
        """As when an operator disables the account."""
        self._send("POST", f"users/{name}/revoke-tokens")

    def _send(self, method: str, path: str, **options: Any) -> None:
        httpx.request(method, f"{self.url}/{path}", **options).raise_for_status()

    def auth(self, kind: str, **said: Any) -> Any:
        """What an environment file says, unchecked: no TLS leads to this server."""
        urls = {f"{name}_url": url for name, url in self._urls().items()}
        own: dict[str, Any] = {
            "shared-password": {},
            "github": {"client_id": "hub"},
            "google": {"client_id": "hub"},
            "cognito": {"client_id": "hub", "pool_domain": self.url},
            "oidc": {"client_id": "hub", **urls, "groups_claim": "groups"},
        }
        return MODELS[kind].model_construct(kind=kind, **{**own[kind], **said})

    def extra_config(self, kind: str) -> dict[str, dict[str, Any]]:
        """Where those providers are that have no address in an environment file."""
        urls = {f"{name}_url": url for name, url in self._urls().items()}
        github = {"scope": ["openid", "email", "read:org"], "github_api": f"{self.url}/github"}
        return {
            "github": {"GitHubOAuthenticator": {**urls, **github}},
            "google": {"GoogleOAuthenticator": urls},
            # The way in which this server knows a client that refreshes a session.
            "cognito": {"GenericOAuthenticator": {"basic_auth": True}},
            "oidc": {"GenericOAuthenticator": {"basic_auth": True}},
        }.get(kind, {})

    def _urls(self) -> dict[str, str]:
        paths = {"authorize": "oauth2/authorize", "token": "oauth2/token", "userdata": "userinfo"}
        return {name: f"{self.url}/{path}" for name, path in paths.items()}


@contextmanager
def provider() -> Iterator[Provider]:
    app = oidc_provider_mock.app()
    server = make_server("localhost", 0, app, threaded=True)
    found = Provider(f"http://localhost:{server.port}")

    @app.get("/github/orgs/<org>/members/<name>")
    def is_member(org: str, name: str) -> Any:
        """https://docs.github.com/en/rest/orgs/members#check-organization-membership-for-a-user"""
        return "", 204 if org in found.members[name] else 404

    app.after_request(_with_id_token)
    thread = threading.Thread(target=server.serve_forever, args=(0.1,))
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _with_id_token(response: flask.Response) -> flask.Response:
    """What Cognito does and this server does not: a refreshed session has a new ID token."""
    tokens = response.get_json(silent=True)
    if flask.request.form.get("grant_type") != "refresh_token" or response.status_code != 200:
        return response
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    client = flask.current_app.test_client()
    claims = client.get("/userinfo", base_url=flask.request.host_url, headers=headers).get_json()
    id_token = jwt.encode({**claims, "aud": "hub"}, "k" * 32)
    response.set_data(json.dumps({**tokens, "id_token": id_token}))
    return response


@contextmanager
def hub_with(
    folder: Path, auth: Any, extra: dict[str, dict[str, Any]] | None = None
) -> Iterator["LoginHub"]:
    """The local hub of the project in `folder`, made if there is none, with another login. Started
    again it has the same state. It asks providers again after a second."""
    if not folder.exists():
        make_project(folder)
    secrets = local_hub.write_secrets(folder / ".slipway/secrets")
    (secrets / "oauth_client_secret").write_text("s" * 32)
    environment = load(folder).environment("local")
    config = {**(extra or {}), "Authenticator": {"auth_refresh_age": 1}}
    spec = environment.spec.model_copy(update={"auth": auth, "extra_config": config})
    running = local_hub.start(replace(environment, spec=spec), folder, 0, lambda _: None)
    try:
        yield LoginHub(running.url, running.password, folder, None, {"kind": auth.kind})
    finally:
        running.stop()


class LoginHub(Hub):
    """A hub whose users log in as its kind of login wants."""

    def user(self, name: str) -> "LoginUser":
        user = LoginUser(self, name)
        user.log_in()
        return user

    def admin_of_its_kind(self, name: str) -> "LoginUser":
        admin = self.admin if self.by_password else self.user
        user = admin(name)
        assert isinstance(user, LoginUser)
        return user

    @property
    def by_password(self) -> bool:
        return bool(self.announced["kind"] == "shared-password")

    @property
    def database(self) -> Path:
        return self.folder / ".slipway/hub/jupyterhub.sqlite"

    @property
    def smoke_token(self) -> str:
        return self._smoke_token.read_text()

    def write_smoke_token(self, token: str) -> None:
        """Which the hub reads when it starts."""
        self._smoke_token.write_text(token)

    @property
    def _smoke_token(self) -> Path:
        return self.folder / ".slipway/secrets/smoke_token"

    def api(self, token: str, path: str, method: str = "GET", **body: Any) -> httpx.Response:
        """What a program is answered that has nothing but a token."""
        headers = {"Authorization": f"Bearer {token}"}
        url = f"{self.url}hub/api/{path}"
        return httpx.request(method, url, headers=headers, json=body or None, timeout=60)


class LoginUser(User):
    """A browser that can log in at a provider, too."""

    def log_in(self) -> None:
        assert self.try_to_log_in() == 302

    def try_to_log_in(self) -> int:
        """The status that the hub answers with in the end."""
        assert isinstance(self.hub, LoginHub)
        if self.hub.by_password:
            self.get("/hub/login")
            return self._send_login("/hub/login").status_code
        to_provider = self.get("/hub/oauth_login").headers["location"]
        back = self.client.post(to_provider, data={"sub": self.name}).headers["location"]
        return self.get(back).status_code

    def logged_in(self) -> bool:
        return self.get("/hub/home").status_code == 200

    def make_token(self) -> str:
        where = f"/hub/api/users/{self.name}/tokens"
        answer = self.client.post(where, json={"note": "mine"}, headers=self._api())
        assert answer.status_code == 201, answer.text
        return str(answer.json()["token"])

    def moved_to(self, hub: Hub) -> "LoginUser":
        """The same browser, at the address that the hub has now."""
        self.hub, self.client.base_url = hub, httpx.URL(hub.url)
        return self
