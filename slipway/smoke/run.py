"""A whole run: every profile at the same time, each from start to stop by a user of its own."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from slipway_hub import smoke

from slipway.model import Environment
from slipway.smoke import apps, hub_checks, routes, server_checks
from slipway.smoke.kernels import kernel
from slipway.smoke.probes import Neighbour, neighbour, probes
from slipway.smoke.report import Checks, Failure, Verdict
from slipway.smoke.session import Session, opened
from slipway.smoke.targets import SmokeTarget
from slipway.smoke.visitor import Browser, Visitor

UNKNOWN = "unknown"
"""The release of a hub that does not say it."""


@dataclass(frozen=True)
class Trial:
    """The environment that is tried, its users, and the checks so far."""

    environment: Environment
    session: Session
    checks: Checks
    neighbour: "asyncio.Future[Neighbour]"

    @property
    def start_seconds(self) -> float:
        return self.session.target.start_seconds

    def skip_if_missing(self, check: str, app: str) -> bool:
        """Whether this machine lacks the app: then the check is recorded as not applicable."""
        remedy = self.session.target.missing.get(app)
        if remedy is not None:
            self.checks.skip(check, f"not on this machine: {remedy}")
        return remedy is not None


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
                    group.create_task(_profile(trial, slug))
        finally:
            beside.cancel()
            await asyncio.gather(beside, return_exceptions=True)
    await checks.run("cleaned up", _nothing_is_left(left))
    return {"ok": checks.ok, **runs, "checks": [asdict(check) for check in checks.done]}


async def _hub(environment: Environment, session: Session, checks: Checks) -> dict[str, str | None]:
    """What concerns the hub alone. Returns the release that it runs, and its file's digest."""
    anybody, service = await session.client(), await session.client(session.target.token)
    await checks.run("login page", hub_checks.login_page(anybody, environment))
    running: dict[str, Any] = {}

    async def release() -> str:
        running.update(await session.hub.running())
        return await hub_checks.release(running, environment)

    pinned = await checks.run("release", release()) and environment.release
    if running:
        culler = hub_checks.culler(running)
        await checks.run("denied: more than culling to the culler", culler, good=Verdict.ENFORCED)
    own = hub_checks.own_rights(service, session.names(environment.catalog.profiles))
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


async def _nothing_is_left(left: list[str]) -> str:
    if left:
        raise Failure("; ".join(left))
    return "users, servers, tokens and files of this run are gone"


async def _profile(trial: Trial, slug: str) -> None:
    """Try everything of one profile. A failure is a red check, and the rest goes on."""
    checks, session, catalog = trial.checks, trial.session, trial.environment.catalog
    name = f"profile {slug}"
    visitors: list[Visitor] = []

    async def start() -> str:
        visitors.append(await session.visitor(smoke.user(slug)))
        await session.hub.start(visitors[0].name, slug, trial.start_seconds)
        return "its server is ready"

    async def stop() -> str:
        await session.leave(visitor)
        return "its server is gone"

    # The first start of all pulls the image.
    if not await checks.run(f"{name}: starts", start(), trial.start_seconds + 30):
        return
    (visitor,) = visitors
    await _routes(trial, slug, visitor)
    await checks.run(f"{name}: default URL", _default_url(trial, slug, visitor))
    for app in catalog.apps_of(catalog.profiles[slug].image):
        await _app(trial, slug, app, visitor)
    # Starting the neighbour may take as long as starting any server.
    inside = _inside(trial, slug, visitor)
    await checks.run(f"{name}: a kernel", inside, trial.start_seconds + 600)
    await checks.run(f"{name}: a notebook", server_checks.notebook(visitor))
    await checks.run(f"{name}: stops", stop())


async def _routes(trial: Trial, slug: str, visitor: Visitor) -> None:
    """Every route of the profile; afterwards its server runs."""
    checks, hub, most = trial.checks, trial.session.hub, trial.start_seconds
    for path, route in trial.environment.catalog.routes.items():
        if route.profile == slug and not trial.skip_if_missing(f"route {path}", route.app):
            await _route(trial, path, visitor)

    async def start_again() -> str:
        await hub.start(visitor.name, slug, most)
        return "its server is ready"

    if not await hub.servers(visitor.name):
        # A route did not start it: what comes next is no fault of that.
        await checks.run(f"profile {slug}: starts again", start_again(), most + 30)


async def _route(trial: Trial, path: str, visitor: Visitor) -> None:
    checks, hub, most = trial.checks, trial.session.hub, trial.start_seconds
    landing = routes.Landing(path, trial.environment.catalog.route_target(path))
    client = await trial.session.client()
    if password := trial.session.target.password:
        browser = Browser(visitor.name, password, client)
        out = routes.logged_out(landing, visitor, browser, most)
    else:
        out = routes.asks_for_login(landing, client)
    await checks.run(f"route {path}: logged out", out, most + 60)
    stopped = routes.stopped(landing, visitor, hub, most)
    await checks.run(f"route {path}: stopped", stopped, most + 120)
    await checks.run(f"route {path}: running", routes.running(landing, visitor, hub))


async def _default_url(trial: Trial, slug: str, visitor: Visitor) -> str:
    """Where a user lands who opens their server and nothing more."""
    expected = trial.environment.catalog.default_url(slug)
    answer = await visitor.client.get(f"{visitor.prefix}/")
    to = urlsplit(answer.headers.get("Location", ""))
    landed = to.path.removeprefix(visitor.prefix) + (f"?{to.query}" if to.query else "")
    if not answer.is_redirect or landed != expected:
        raise Failure(f"{visitor.prefix}/ leads to {landed or answer.status_code}, not {expected}")
    return f"lands at {expected}"


async def _app(trial: Trial, slug: str, name: str, visitor: Visitor) -> None:
    checks, app = trial.checks, trial.environment.catalog.apps[name]
    check = f"app {name} ({slug})"
    if trial.skip_if_missing(check, name):
        return
    if app.kind == "port":
        checks.skip(check, "users start it themselves")
        return
    within = app.start_timeout + 60
    if await checks.run(f"{check}: page", apps.page(visitor, name, app), within):
        await checks.run(f"{check}: websocket", apps.exchange(visitor, name, app), within)


async def _inside(trial: Trial, slug: str, visitor: Visitor) -> str:
    """Bytes that come through, and walls, seen from a kernel of the user's server."""
    checks, name = trial.checks, f"profile {slug}"
    async with kernel(visitor) as running:
        port = await server_checks.listen(running)
        await checks.run(f"{name}: a large download", server_checks.download(visitor, port))
        await checks.run(f"{name}: streaming", server_checks.streaming(visitor, port), 40)
        other = await asyncio.shield(trial.neighbour)
        for what, probe in (await probes(visitor, running, other, trial.session.target)).items():
            check = f"denied ({slug}): {what}"
            if isinstance(probe, str):
                checks.skip(check, probe)
            else:
                await checks.run(check, probe(), good=Verdict.ENFORCED)
    return "code runs inside the server"
