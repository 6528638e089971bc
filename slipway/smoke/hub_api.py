"""The hub's REST API, with the token of the service `smoke`.

https://jupyterhub.readthedocs.io/en/stable/reference/rest-api.html
"""

import asyncio
import json
from typing import Any
from urllib.parse import quote

import httpx
from slipway_hub import smoke

from slipway.smoke.report import Failure

TOKEN_SECONDS = 3600
"""Tokens of a run that is killed outlive it by no more than this."""
LOOK_SECONDS = 0.2


class HubApi:
    def __init__(self, client: httpx.AsyncClient) -> None:
        """`client` knows the hub's address and sends the service's token."""
        self._client = client

    async def running(self) -> dict[str, Any]:
        """What the hub says of itself. Raises Failure."""
        answer = await self._client.get(f"/hub/{smoke.RUNNING}")
        if answer.status_code != 200:
            raise Failure(f"/hub/{smoke.RUNNING} answered {answer.status_code}: an older hub?")
        return dict(answer.json())

    async def make_user(self, user: str) -> bool:
        """False if there is one of that name already. Raises Failure."""
        answer = await self._client.post(f"/hub/api/users/{user}")
        if answer.status_code == 409:
            return False
        _expect(answer, 201)
        return True

    async def delete_user(self, user: str) -> None:
        """With all their tokens; their servers must be stopped."""
        _expect(await self._client.delete(f"/hub/api/users/{user}"), 204, 404)

    async def make_token(self, user: str, note: str, seconds: int = TOKEN_SECONDS) -> str:
        body = {"note": note, "expires_in": seconds}
        answer = await self._client.post(f"/hub/api/users/{user}/tokens", json=body)
        _expect(answer, 201)
        return str(answer.json()["token"])

    async def notes(self, user: str) -> list[str]:
        """Of the user's tokens that are still good."""
        answer = await self._client.get(f"/hub/api/users/{user}/tokens")
        if answer.status_code == 404:
            return []
        _expect(answer, 200)
        return [str(token["note"]) for token in answer.json()["api_tokens"]]

    async def servers(self, user: str) -> dict[str, Any]:
        """By name. None for a user who is not there."""
        answer = await self._client.get(f"/hub/api/users/{user}")
        if answer.status_code == 404:
            return {}
        _expect(answer, 200)
        return dict(answer.json()["servers"])

    async def start(self, user: str, profile: str, seconds: float, server: str = "") -> None:
        """Start a server and wait until it is ready. Raises Failure with what the hub says."""
        options = {"user_options": {"profile": profile}}
        answer = await self._client.post(_server(user, server), json=options)
        _expect(answer, 201, 202)
        try:
            async with asyncio.timeout(seconds):
                while not (found := (await self.servers(user)).get(server)) or not found["ready"]:
                    if not found or not found["pending"]:
                        raise Failure(
                            f"the profile {profile} does not start: {await self._why(user, server)}"
                        )
                    await asyncio.sleep(LOOK_SECONDS)
        except TimeoutError:
            raise Failure(f"the profile {profile} has not started in {seconds:.0f} s") from None

    async def stop(self, user: str, seconds: float = 90) -> None:
        """Stop all servers of a user and wait until they are gone. Raises Failure."""
        servers: dict[str, Any] = {}
        try:
            async with asyncio.timeout(seconds):
                while servers := await self.servers(user):
                    for name in servers:
                        answer = await self._client.delete(_server(user, name))
                        # 400: it is about to start or to stop.
                        _expect(answer, 202, 204, 400, 404)
                    await asyncio.sleep(LOOK_SECONDS)
        except TimeoutError:
            states = ", ".join(str(one["pending"] or "running") for one in servers.values())
            reason = f"servers of {user} after {seconds:.0f} s: {states or 'the hub does not say'}"
            raise Failure(reason) from None

    async def _why(self, user: str, server: str) -> str:
        """The last thing that the hub said of a start."""
        reason = "the hub does not say why"
        async with self._client.stream("GET", f"{_server(user, server)}/progress") as answer:
            async for line in answer.aiter_lines():
                if line.startswith("data:"):
                    event = json.loads(line.removeprefix("data:"))
                    reason = event.get("message", reason)
                    if event.get("failed") or event.get("ready"):
                        break
        return reason


def _server(user: str, name: str) -> str:
    return f"/hub/api/users/{user}/" + (f"servers/{quote(name)}" if name else "server")


def _expect(answer: httpx.Response, *statuses: int) -> None:
    if answer.status_code not in statuses:
        try:
            reason = answer.json()["message"]
        except (ValueError, KeyError, TypeError):
            reason = answer.reason_phrase
        request = answer.request
        raise Failure(f"{request.method} {request.url.path}: {answer.status_code} {reason}")
