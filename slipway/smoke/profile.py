"""A profile, tried from its start to its stop by a user of its own."""

import asyncio
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from slipway_hub import smoke

from slipway.model import Environment
from slipway.smoke import apps, notebook, routes, transfers
from slipway.smoke.kernels import kernel
from slipway.smoke.probes import Neighbour, probes
from slipway.smoke.report import Checks, Failure, NotApplicable, Verdict
from slipway.smoke.session import Session
from slipway.smoke.visitor import Browser, Visitor


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

    async def lacks(self, app: str) -> str:
        raise NotApplicable(f"not on this machine: {self.session.target.missing[app]}")


async def try_profile(trial: Trial, slug: str) -> None:
    """Try everything of one profile. A failure is a red check, and the rest goes on."""
    checks, session = trial.checks, trial.session
    name = f"profile {slug}"
    visitors: list[Visitor] = []

    async def start() -> str:
        visitors.append(await session.visitor(smoke.user(slug)))
        await session.hub.start(visitors[0].name, slug, trial.start_seconds)
        return "its server is ready"

    # The first start of all pulls the image.
    if not await checks.run(f"{name}: starts", start, trial.start_seconds + 30):
        return
    (visitor,) = visitors
    await _routes(trial, slug, visitor)
    await checks.run(f"{name}: default URL", partial(_default_url, trial, slug, visitor))
    for app in trial.environment.catalog.apps_of(trial.environment.catalog.profiles[slug].image):
        await _app(trial, slug, app, visitor)
    await _bytes_and_walls(trial, slug, visitor)
    await checks.run(f"{name}: a notebook", partial(notebook.run, visitor))

    async def stop() -> str:
        await session.leave(visitor)
        return "its server is gone"

    await checks.run(f"{name}: stops", stop)


async def _routes(trial: Trial, slug: str, visitor: Visitor) -> None:
    catalog, checks, hub = trial.environment.catalog, trial.checks, trial.session.hub
    target, most = trial.session.target, trial.start_seconds
    for path, route in catalog.routes.items():
        if route.profile != slug:
            continue
        landing = routes.Landing(path, catalog.route_target(path))
        name = f"route {path}"
        if route.app in target.missing:
            await checks.run(name, partial(trial.lacks, route.app))
            continue
        client = await trial.session.client()
        if target.password:
            browser = Browser(visitor.name, target.password, client)
            out = partial(routes.logged_out, landing, visitor, browser, most)
        else:
            out = partial(routes.asks_for_login, landing, client)
        await checks.run(f"{name}: logged out", out, most + 60)
        stopped = partial(routes.stopped, landing, visitor, hub, most)
        await checks.run(f"{name}: stopped", stopped, most + 120)
        await checks.run(f"{name}: running", partial(routes.running, landing, visitor, hub))

    async def start_again() -> str:
        await hub.start(visitor.name, slug, most)
        return "its server is ready"

    if not await hub.servers(visitor.name):
        # A route did not start it: what comes next is no fault of that.
        await checks.run(f"profile {slug}: starts again", start_again, most + 30)


async def _default_url(trial: Trial, slug: str, visitor: Visitor) -> str:
    """Where a user lands who opens their server and nothing more."""
    catalog = trial.environment.catalog
    expected = catalog.default_url(slug)
    answer = await visitor.client.get(f"{visitor.prefix}/")
    to = urlsplit(answer.headers.get("Location", ""))
    found = to.path.removeprefix(visitor.prefix) + (f"?{to.query}" if to.query else "")
    if not answer.is_redirect or found != expected:
        raise Failure(f"{visitor.prefix}/ leads to {found or answer.status_code}, not {expected}")
    return f"lands at {expected}"


async def _app(trial: Trial, slug: str, app: str, visitor: Visitor) -> None:
    checks, found = trial.checks, trial.environment.catalog.apps[app]
    name = f"app {app} ({slug})"
    if app in trial.session.target.missing:
        await checks.run(name, partial(trial.lacks, app))
        return
    if found.kind == "port":
        await checks.run(name, _users_start_it)
        return
    within = found.start_timeout + 60
    if await checks.run(f"{name}: page", partial(apps.page, visitor, app, found), within):
        await checks.run(f"{name}: websocket", partial(apps.exchange, visitor, app, found), within)


async def _users_start_it() -> str:
    raise NotApplicable("users start it themselves")


async def _bytes_and_walls(trial: Trial, slug: str, visitor: Visitor) -> None:
    checks, name = trial.checks, f"profile {slug}"

    async def inside() -> str:
        async with kernel(visitor) as running:
            port = await transfers.listen(running)
            large = partial(transfers.download, visitor, port)
            await checks.run(f"{name}: a large download", large)
            await checks.run(f"{name}: streaming", partial(transfers.streaming, visitor, port), 40)
            other = await asyncio.shield(trial.neighbour)
            for what, tried in (
                await probes(visitor, running, other, trial.session.target)
            ).items():
                await checks.run(f"denied ({slug}): {what}", tried, good=Verdict.ENFORCED)
        return "code runs inside the server"

    # Starting the neighbour may take as long as starting any server.
    await checks.run(f"{name}: a kernel", inside, trial.start_seconds + 600)
