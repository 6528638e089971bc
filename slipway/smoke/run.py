"""A whole run: every profile at the same time, each with a user of its own."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from slipway_hub import smoke

from slipway.model import Environment
from slipway.smoke import hub_checks
from slipway.smoke.kernels import kernel
from slipway.smoke.probes import Neighbour, neighbour
from slipway.smoke.profile import Trial, try_profile
from slipway.smoke.report import Checks, Failure, Verdict
from slipway.smoke.session import Session, opened
from slipway.smoke.targets import SmokeTarget

UNKNOWN = "unknown"
"""The release of a hub that does not say it."""


async def run(
    environment: Environment, target: SmokeTarget, say: Callable[[str], None], left: list[str]
) -> dict[str, Any]:
    """`{"ok", "release", "digest", "checks"}`; the release is the one that the hub runs, the digest
    that of its file if what runs is what is in there.

    `left` gets what could not be removed, also when the run is broken off. Raises
    targets.NoHubError when there is nothing to try.
    """
    checks = Checks(say)
    async with opened(target, left) as session:
        runs = await _hub(environment, session, checks)
        neighbours: asyncio.Future[Neighbour] = asyncio.get_running_loop().create_future()
        trial = Trial(environment, session, checks, neighbours)
        beside = asyncio.create_task(_neighbour(trial))
        try:
            async with asyncio.TaskGroup() as group:
                for slug in environment.catalog.profiles:
                    group.create_task(try_profile(trial, slug))
        finally:
            beside.cancel()
            await asyncio.gather(beside, return_exceptions=True)
    await checks.run("cleaned up", partial(_cleaned, left))
    return {
        "ok": checks.ok,
        **runs,
        "checks": [check.as_json() for check in checks.done],
    }


async def _hub(environment: Environment, session: Session, checks: Checks) -> dict[str, str | None]:
    """What concerns the hub alone. Returns the release that it runs, and its file's digest."""
    anybody, service = await session.client(), await session.client(session.target.token)
    await checks.run("login page", partial(hub_checks.login_page, anybody, environment))
    running: dict[str, Any] = {}

    async def release() -> str:
        running.update(await session.hub.running())
        return await hub_checks.release(running, environment)

    pinned = await checks.run("release", release) and environment.release
    if running:
        culler = partial(hub_checks.culler, running)
        await checks.run("denied: more than culling to the culler", culler, good=Verdict.ENFORCED)
    own = partial(hub_checks.own_rights, service, session.names(environment.catalog.profiles))
    await checks.run("denied: other users to this run", own, good=Verdict.ENFORCED)
    return {
        "release": str(running.get("release", UNKNOWN)),
        "digest": pinned.digest if pinned else None,
    }


async def _neighbour(trial: Trial) -> None:
    """Another user's server, there until this is cancelled."""
    catalog, session = trial.environment.catalog, trial.session
    profile = catalog.default_profile or next(iter(catalog.profiles))
    try:
        visitor = await session.visitor(smoke.USER)
        await session.hub.start(visitor.name, profile, trial.start_seconds)
        async with kernel(visitor) as running:
            trial.neighbour.set_result(await neighbour(visitor, running, session.target))
            await asyncio.Event().wait()
    except Exception as error:
        # Checks that wait for the neighbour fail with the reason.
        if not trial.neighbour.done():
            trial.neighbour.set_exception(Failure(f"no neighbour to be kept from: {error}"))


async def _cleaned(left: list[str]) -> str:
    if left:
        raise Failure("; ".join(left))
    return "users, servers, tokens and files of this run are gone"
