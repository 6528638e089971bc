"""Hubs with each kind of login, a real OpenID Connect server for them, and users who log in."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
from oidc_provider_mock import run_server_in_thread

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
    """An OpenID Connect server (oidc-provider-mock, by authlib), by its address."""

    url: str

    def knows(self, name: str, **claims: Any) -> None:
        """Every claim by which the kinds of login may know `name`."""
        known = {
            "preferred_username": name,
            "cognito:username": name,
            "login": name,
            "email": name if "@" in name else f"{name}@example.org",
            "verified_email": True,
            "hd": "example.org",
        }
        self._send("PUT", f"users/{name}", json=known | claims)

    def ends_sessions(self, name: str) -> None:
        """As if an operator had disabled the account."""
        self._send("POST", f"users/{name}/revoke-tokens")

    def _send(self, method: str, path: str, **options: Any) -> None:
        httpx.request(method, f"{self.url}/{path}", **options).raise_for_status()

    def auth(self, kind: str, **said: Any) -> Any:
        """What an environment file says, except that no TLS leads to this server."""
        own: dict[str, Any] = {
            "oidc": {
                "authorize_url": f"{self.url}/oauth2/authorize",
                "token_url": f"{self.url}/oauth2/token",
                "userdata_url": f"{self.url}/userinfo",
                "groups_claim": "groups",
            },
            "cognito": {"pool_domain": self.url},
        }
        client = {} if kind == "shared-password" else {"client_id": "hub"}
        return MODELS[kind].model_construct(kind=kind, **client, **own.get(kind, {}), **said)

    def extra_config(self, kind: str) -> dict[str, dict[str, Any]]:
        """Where the providers are that have no address in an environment file."""
        addresses = {
            "authorize_url": f"{self.url}/oauth2/authorize",
            "token_url": f"{self.url}/oauth2/token",
            "userdata_url": f"{self.url}/userinfo",
        }
        if kind == "github":
            scope = ["openid", "email", "read:org"]
            return {"GitHubOAuthenticator": {**addresses, "scope": scope}}
        return {"GoogleOAuthenticator": addresses} if kind == "google" else {}


@contextmanager
def provider(**options: Any) -> Iterator[Provider]:
    with run_server_in_thread(**options) as server:
        yield Provider(f"http://localhost:{server.server_port}")


@contextmanager
def hub_with(
    folder: Path, auth: Any, extra: dict[str, dict[str, Any]] | None = None
) -> Iterator["LoginHub"]:
    """The local hub of the project in `folder`, made if there is none, with another login. Stopped
    and started again it has the same state. Asks providers again after a second."""
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
    def user(self, name: str) -> "LoginUser":
        user = LoginUser(self, name)
        user.log_in()
        return user


class LoginUser(User):
    """A browser that can log in at a provider, too."""

    token = ""

    def log_in(self) -> None:
        assert self.try_to_log_in() == 302

    def try_to_log_in(self) -> int:
        """The status that the hub answers with in the end."""
        if self.hub.announced["kind"] == "shared-password":
            self.get("/hub/login")
            return self._send_login("/hub/login").status_code
        to_provider = self.get("/hub/oauth_login").headers["location"]
        back = self.client.post(to_provider, data={"sub": self.name}).headers["location"]
        return self.get(back).status_code

    def logged_in(self) -> bool:
        return self.get("/hub/home").status_code == 200

    def make_token(self) -> str:
        answer = self.client.post(
            f"/hub/api/users/{self.name}/tokens", json={"note": "mine"}, headers=self._api()
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["token"])


def ask_api(hub: Hub, token: str, path: str, method: str = "GET", **body: Any) -> httpx.Response:
    """A program that has nothing but a token."""
    headers = {"Authorization": f"Bearer {token}"}
    content = json.dumps(body) if body else None
    return httpx.request(
        method, f"{hub.url}hub/api/{path}", headers=headers, content=content, timeout=60
    )
