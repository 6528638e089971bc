"""The users of one run: made for it, and removed with everything of theirs."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import httpx
from slipway_hub import smoke
from websockets.exceptions import WebSocketException

from slipway.smoke.hub_api import HubApi
from slipway.smoke.kernels import kernel
from slipway.smoke.report import Failure
from slipway.smoke.targets import NoHubError, SmokeTarget
from slipway.smoke.visitor import Visitor

NOTE = "slipway smoke"
"""Of the tokens, for administrators who see them."""
LEASE = f"{NOTE}: under way"
LEASE_SECONDS = 90
"""How long a run that was killed keeps others out."""
RENEW_SECONDS = 20
ANSWER_SECONDS = 120
WIPE_SECONDS = 30


class Session:
    """Clients of the hub and visitors of it, for as long as it is open."""

    def __init__(self, target: SmokeTarget, stack: AsyncExitStack) -> None:
        self.target, self._stack = target, stack
        self._visitors: dict[str, Visitor] = {}
        self.hub: HubApi

    async def client(self, token: str | None = None) -> httpx.AsyncClient:
        """Of the hub, with cookies of its own."""
        client = httpx.AsyncClient(
            base_url=self.target.url,
            headers={"Authorization": f"token {token}"} if token else {},
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=15),
            trust_env=self.target.proxied,
        )
        return await self._stack.enter_async_context(client)

    async def visitor(self, name: str) -> Visitor:
        """Make a user of this run. What a killed run has left of them is removed first."""
        if name != smoke.USER and not await self.hub.make_user(name):
            await self._remove(name)
            await self.hub.make_user(name)
        token = await self.hub.make_token(name, NOTE)
        self._visitors[name] = Visitor(name, token, await self.client(token), self.target.proxied)
        return self._visitors[name]

    @staticmethod
    def names(profiles: Iterable[str]) -> list[str]:
        """Of all users that a run can have."""
        return [smoke.USER, *map(smoke.user, profiles)]

    async def leave(self, visitor: Visitor) -> None:
        """Remove the files of a visitor's home, and stop their server. Raises Failure."""
        if not self.target.local and await self.hub.servers(visitor.name):
            with suppress(Failure, OSError, httpx.HTTPError, WebSocketException, TimeoutError):
                async with asyncio.timeout(WIPE_SECONDS), kernel(visitor) as running:
                    await running.call("home", f"wipe({smoke.USER!r})")
        await self.hub.stop(visitor.name)

    async def claim(self) -> None:
        """Make the user who keeps other runs out. Raises NoHubError if there is such a run."""
        if not await self.hub.make_user(smoke.USER):
            if LEASE in await self.hub.notes(smoke.USER):
                raise NoHubError("another run is under way on this hub: wait for its end")
            try:
                await self._remove(smoke.USER)
            except Failure as error:
                raise NoHubError(
                    f"what a killed run has left cannot be removed ({error}): stop the server "
                    "on the hub's admin page, or restart the hub"
                ) from None
            if not await self.hub.make_user(smoke.USER):
                raise NoHubError("another run has just begun on this hub: wait for its end")
        await self.hub.make_token(smoke.USER, LEASE, LEASE_SECONDS)

    async def keep_claim(self) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            with suppress(httpx.HTTPError, Failure):
                await self.hub.make_token(smoke.USER, LEASE, LEASE_SECONDS)

    async def clean(self) -> list[str]:
        """Remove all users of the run, the claiming one last. Returns what could not be."""
        others = [name for name in self._visitors if name != smoke.USER]
        left = await asyncio.gather(*map(self._clean, others))
        return [why for why in [*left, await self._clean(smoke.USER)] if why]

    async def _clean(self, name: str) -> str:
        try:
            if visitor := self._visitors.get(name):
                await self.leave(visitor)
            await self._remove(name)
        except (Failure, httpx.HTTPError) as error:
            return f"{name}: {error}"
        return ""

    async def _remove(self, name: str) -> None:
        await self.hub.stop(name)
        await self.hub.delete_user(name)
        if self.target.homes:
            shutil.rmtree(self.target.homes / name, ignore_errors=True)


@asynccontextmanager
async def opened(target: SmokeTarget, left: list[str]) -> AsyncIterator[Session]:
    """Users are removed in any case; what could not be is put into `left`.

    Raises NoHubError when the hub cannot be used, or another run is using it.
    """
    async with AsyncExitStack() as stack:
        session = Session(target, stack)
        session.hub = HubApi(await session.client(target.token))
        try:
            await session.claim()
        except httpx.HTTPError as error:
            reason = f"{target.url} cannot be reached ({type(error).__name__}: {error})"
            raise NoHubError(f"{reason}: is it running, and is there a way to it?") from None
        except Failure as error:
            raise NoHubError(
                f"{target.url} does not take the token ({error}): a hub reads the token of its "
                "service smoke when it starts (docs/smoke.md)"
            ) from None
        claim = asyncio.create_task(session.keep_claim())
        try:
            yield session
        finally:
            claim.cancel()
            left += await session.clean()
