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
STOP_SECONDS = 90
LOOK_SECONDS = 0.2
USERS = "/hub/api/users"


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
        return (await self._call("POST", user, 201, 409)).status_code == 201

    async def delete_user(self, user: str) -> None:
        """With all their tokens; their servers must be stopped."""
        await self._call("DELETE", user, 204, 404)

    async def make_token(self, user: str, note: str, seconds: int = TOKEN_SECONDS) -> str:
        body = {"note": note, "expires_in": seconds}
        return str((await self._call("POST", f"{user}/tokens", 201, body=body)).json()["token"])

    async def notes(self, user: str) -> list[str]:
        """Of the user's tokens that are still good."""
        answer = await self._call("GET", f"{user}/tokens", 200, 404)
        tokens = answer.json()["api_tokens"] if answer.status_code == 200 else []
        return [str(token["note"]) for token in tokens]

    async def servers(self, user: str) -> dict[str, Any]:
        """By name. None for a user who is not there."""
        answer = await self._call("GET", user, 200, 404)
        return dict(answer.json()["servers"]) if answer.status_code == 200 else {}

    async def _call(
        self, method: str, path: str, *statuses: int, body: Any = None
    ) -> httpx.Response:
        """Raises Failure if the answer has none of these statuses."""
        return expect(await self._client.request(method, f"{USERS}/{path}", json=body), *statuses)

    async def start(self, user: str, profile: str, seconds: float, server: str = "") -> None:
        """Start a server and wait until it is ready. Raises Failure with what the hub says."""
        options = {"user_options": {"profile": profile}}
        await self._call("POST", _server(user, server), 201, 202, body=options)
        try:
            async with asyncio.timeout(seconds):
                while not (state := (await self.servers(user)).get(server)) or not state["ready"]:
                    if not state or not state["pending"]:
                        raise Failure(
                            f"the profile {profile} does not start: {await self._why(user, server)}"
                        )
                    await asyncio.sleep(LOOK_SECONDS)
        except TimeoutError:
            raise Failure(f"the profile {profile} has not started in {seconds:.0f} s") from None

    async def stop(self, user: str) -> None:
        """Stop all servers of a user and wait until they are gone. Raises Failure."""
        servers: dict[str, Any] = {}
        try:
            async with asyncio.timeout(STOP_SECONDS):
                while servers := await self.servers(user):
                    for name in servers:
                        # 400: it is about to start or to stop.
                        await self._call("DELETE", _server(user, name), 202, 204, 400, 404)
                    await asyncio.sleep(LOOK_SECONDS)
        except TimeoutError:
            states = ", ".join(str(state["pending"] or "running") for state in servers.values())
            reason = f"servers of {user} after {STOP_SECONDS} s: {states or 'the hub does not say'}"
            raise Failure(reason) from None

    async def _why(self, user: str, server: str) -> str:
        """The last thing that the hub said of a start."""
        reason = "the hub does not say why"
        progress = f"{USERS}/{_server(user, server)}/progress"
        async with self._client.stream("GET", progress) as answer:
            async for line in answer.aiter_lines():
                if line.startswith("data:"):
                    event = json.loads(line.removeprefix("data:"))
                    reason = event.get("message", reason)
                    if event.get("failed") or event.get("ready"):
                        break
        return reason


def _server(user: str, name: str) -> str:
    return f"{user}/" + (f"servers/{quote(name)}" if name else "server")


def expect(answer: httpx.Response, *statuses: int) -> httpx.Response:
    """Raises Failure if the answer has none of these statuses."""
    if answer.status_code not in statuses:
        raise Failure(describe(answer))
    return answer


def describe(answer: httpx.Response) -> str:
    """A bad answer in words. Slipway's own pages name the command and its last lines."""
    method = "" if answer.request.method == "GET" else f"{answer.request.method} "
    text = f"{method}{answer.request.url.path} answered {answer.status_code}"
    try:
        page = answer.json()
        words = [str(page[key]) for key in ("title", "message") if page.get(key)]
    except (ValueError, TypeError, AttributeError, KeyError):
        return text
    text = ": ".join([text, *words])
    if command := page.get("command"):
        text += f"; it ran: {command if isinstance(command, str) else ' '.join(command)}"
    if lines := page.get("lines"):
        text += "; its last lines: " + " | ".join(str(line) for line in lines[-6:])
    return text
