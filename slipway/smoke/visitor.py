"""A user of the hub: with a token, or logged in as a browser does."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
from websockets.asyncio.client import connect

from slipway.smoke.hub_api import HubApi, expect
from slipway.smoke.report import Failure

HOPS = 40
LOGIN = "/hub/login"
FRAME_BYTES = 64 * 2**20
OPEN_SECONDS = 60
"""An app that was just started on a busy machine takes its time."""


@dataclass
class Journey:
    """The last answer after redirects, and all addresses on the way to it."""

    answer: httpx.Response
    hops: list[str]

    def passed(self, path: str) -> bool:
        return any(urlsplit(hop).path.startswith(path) for hop in self.hops)


class Visitor:
    """The owner of a token. `client` knows the hub's address and sends the token."""

    def __init__(self, name: str, token: str, client: httpx.AsyncClient, proxied: bool) -> None:
        self.name, self.token, self.client, self._proxied = name, token, client, proxied

    @property
    def prefix(self) -> str:
        """Of the default server."""
        return f"/user/{self.name}"

    async def get(self, path: str) -> httpx.Response:
        """Following redirects. Raises Failure unless it ends with 200."""
        return expect(await self.client.get(path, follow_redirects=True), 200)

    def websocket(self, path: str, **options: Any) -> connect:
        """Open a websocket as a page of the hub's own origin would."""
        origin = str(self.client.base_url).rstrip("/")
        return connect(
            origin.replace("http", "ws", 1) + path,
            additional_headers={"Authorization": f"token {self.token}", "Origin": origin},
            max_size=FRAME_BYTES,
            open_timeout=OPEN_SECONDS,
            # Editors take their time to close one.
            close_timeout=1,
            proxy=True if self._proxied else None,
            **options,
        )

    async def travel(self, path: str, hub: HubApi, seconds: float) -> Journey:
        """Follow a path, starting what it asks to start. Raises Failure."""
        url, hops = path, [path]
        for _ in range(HOPS):
            spawn = urlsplit(url)
            if spawn.path.startswith("/hub/spawn/"):
                url = await self._spawn(spawn.path, parse_qs(spawn.query), hub, seconds)
                hops.append(url)
            answer = await self.client.get(url)
            if not answer.next_request:
                return Journey(answer, hops)
            url = str(answer.next_request.url)
            hops.append(url)
            if not url.startswith(str(self.client.base_url)):
                return Journey(answer, hops)  # the token is for the hub alone
            if urlsplit(url).path == LOGIN:
                raise Failure(f"{path} asks for a login, with a good token")
        raise Failure(f"{path} leads in a circle, last to {url}")

    async def _spawn(self, path: str, query: dict[str, list[str]], hub: HubApi, s: float) -> str:
        """What JupyterHub's page would do: start, wait, go on."""
        _, _, _, user, *server = path.split("/")
        if unquote(user) != self.name or not {"opt-profile", "next"} <= query.keys():
            raise Failure(f"led to {path}, which starts nothing")
        await hub.start(self.name, query["opt-profile"][0], s, *server[:1])
        return query["next"][0]


class Browser:
    """Cookies, redirects, forms: logs in when asked to. `client` knows the hub's address."""

    def __init__(self, name: str, password: str, client: httpx.AsyncClient) -> None:
        self._name, self._password, self._client = name, password, client

    async def travel(self, path: str, seconds: float) -> Journey:
        """Follow a path like a patient user. Raises Failure."""
        deadline, url, hops = time.monotonic() + seconds, path, [path]
        while time.monotonic() < deadline:
            answer = await self._client.get(url)
            if urlsplit(str(answer.url)).path == LOGIN and not answer.is_redirect:
                answer = await self._log_in(str(answer.url))
            if answer.next_request:
                url = str(answer.next_request.url)
                hops.append(url)
            elif "/hub/spawn-pending/" in url and answer.status_code == 200:
                await asyncio.sleep(0.2)
            else:
                return Journey(answer, hops)
        raise Failure(f"{path} led nowhere in {seconds:.0f} s, last to {url}")

    async def _log_in(self, url: str) -> httpx.Response:
        jar = self._client.cookies.jar
        xsrf = [c.value for c in jar if c.name == "_xsrf" and c.path == "/hub/"]
        form = {"username": self._name, "password": self._password, "_xsrf": (xsrf or [""])[-1]}
        answer = await self._client.post(url, data=form)
        if not answer.next_request:
            raise Failure(f"the login as {self._name} was refused: {answer.status_code}")
        return answer
