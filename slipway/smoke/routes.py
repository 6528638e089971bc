"""Every route in its three states: logged out, stopped, running."""

from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import httpx

from slipway.smoke.hub_api import HubApi, expect
from slipway.smoke.report import Failure
from slipway.smoke.visitor import LOGIN, Browser, Journey, Visitor

QUERY = "slipway=smoke"


@dataclass(frozen=True)
class Landing:
    """A route of the catalog, and where below the user's server it must land."""

    path: str
    target: str

    @property
    def url(self) -> str:
        return f"{self.path}?{QUERY}"

    def check(self, visitor: Visitor, journey: Journey) -> None:
        """Raises Failure if the way did not lead to the app, query and all."""
        expected = f"{visitor.prefix}{self.target}?{QUERY}"
        hops = [urlsplit(hop) for hop in journey.hops]
        if not any(f"{hop.path}?{hop.query}" == expected for hop in hops):
            last = urlsplit(str(journey.answer.url)).path
            raise Failure(f"led to {last} ({journey.answer.status_code}), not to {expected}")
        expect(journey.answer, 200)


async def logged_out(landing: Landing, visitor: Visitor, browser: Browser, seconds: float) -> str:
    """One login later in the app."""
    journey = await browser.travel(landing.url, seconds)
    landing.check(visitor, journey)
    if not journey.passed(LOGIN):
        raise Failure("no login was asked for")
    return "one login, then the app"


async def asks_for_login(landing: Landing, client: httpx.AsyncClient) -> str:
    """For a hub whose login cannot be done by a program: as far as the login, which remembers."""
    answer = await client.get(landing.url)
    while answer.next_request and urlsplit(str(answer.url)).path != LOGIN:
        answer = await client.get(answer.next_request.url)
    url = urlsplit(str(answer.url))
    if url.path != LOGIN:
        raise Failure(f"led to {url.path} ({answer.status_code}), not to a login")
    back = parse_qs(url.query).get("next", [""])[0]
    if not back.partition("?")[0].endswith(landing.path) or QUERY not in back:
        raise Failure(f"the login would go on to {back or 'nowhere'}")
    return "a login that goes on to the route; the login itself is the identity provider's"


async def stopped(landing: Landing, visitor: Visitor, hub: HubApi, seconds: float) -> str:
    """With nothing running: it starts the profile, then lands."""
    await hub.stop(visitor.name)
    journey = await visitor.travel(landing.url, hub, seconds)
    landing.check(visitor, journey)
    if not journey.passed("/hub/spawn"):
        raise Failure("nothing was started")
    return "started the profile, then the app"


async def running(landing: Landing, visitor: Visitor, hub: HubApi) -> str:
    """With its profile running: straight there."""
    journey = await visitor.travel(landing.url, hub, 0)
    landing.check(visitor, journey)
    if journey.passed("/hub/spawn"):
        raise Failure("started a server although one runs")
    return "straight into the app"
