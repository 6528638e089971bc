"""A run has users of its own, is alone, and leaves nothing behind however it ends."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from slipway_hub import smoke as names

from slipway.model import load
from slipway.smoke import probes
from slipway.smoke.kernels import Kernel, kernel
from slipway.smoke.report import RED, Failure, NotEnforced
from slipway.smoke.run import run
from slipway.smoke.session import Session, opened
from slipway.smoke.targets import SmokeTarget, smoke_target
from tests.smoke.conftest import smoke, start_smoke
from tests.support.local import Hub


def target(hub: Hub) -> SmokeTarget:
    state = hub.folder / ".slipway"
    token = (state / "secrets/smoke_token").read_text()
    return SmokeTarget(hub.url, token, 60, local=True, password=hub.password, homes=state / "homes")


def users(hub: Hub) -> list[str]:
    headers = {"Authorization": f"token {target(hub).token}"}
    answer = httpx.get(f"{hub.url}hub/api/users", headers=headers)
    return sorted(user["name"] for user in answer.json())


def inside(hub: Hub, act: Callable[[Session], Awaitable[Any]]) -> Any:
    """What `act` returns of a session that is open."""

    async def main() -> Any:
        async with opened(target(hub), []) as session:
            return await act(session)

    return asyncio.run(main())


def leave_over(hub: Hub) -> None:
    """What a killed run leaves, once nobody keeps its claim: users, one with a server."""

    async def main() -> None:
        async with httpx.AsyncClient(
            base_url=hub.url, headers={"Authorization": f"token {target(hub).token}"}, timeout=60
        ) as client:
            for name in (names.USER, names.user("small")):
                (await client.post(f"/hub/api/users/{name}")).raise_for_status()
            options = {"user_options": {"profile": "small"}}
            where = f"/hub/api/users/{names.user('small')}/server"
            (await client.post(where, json=options)).raise_for_status()

    asyncio.run(main())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.slow
def test_a_run_that_is_stopped_removes_what_it_has_made(small: Hub, number: signal.Signals):
    process = start_smoke(small.folder)
    assert process.stderr
    for line in process.stderr:
        if "profile small: starts" in line:
            break
    assert names.user("small") in users(small)
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (1, "")
    assert "was removed" in err
    assert "Traceback" not in err
    assert users(small) == []
    assert not list((small.folder / ".slipway/homes").glob("slipway-smoke*"))


@pytest.mark.slow
def test_what_a_killed_run_has_left_is_removed_by_the_next(small: Hub):
    leave_over(small)
    found = smoke(small.folder)
    assert found.red() == {}, found.said
    assert users(small) == []


def test_a_second_run_at_the_same_time_is_refused_and_leaves_the_first_alone(small: Hub):
    async def both(session: Session) -> Any:
        return await asyncio.to_thread(smoke, small.folder), users(small)

    second, still_there = inside(small, both)
    assert second.code == 2
    assert "another run is under way" in second.said
    assert still_there == [names.USER]
    assert users(small) == []


@pytest.mark.slow
def test_other_users_are_left_alone(small: Hub):
    ada = small.user("ada")
    assert smoke(small.folder).code == 0
    assert ada.get("/hub/home").status_code == 200


def test_a_profile_for_a_group_is_open_to_its_smoke_user_and_not_to_others(small: Hub):
    with pytest.raises(AssertionError, match="No profile is open"):
        small.user("mallory").start("small")

    async def start(session: Session) -> bool:
        visitor = await session.visitor(names.user("small"))
        await session.hub.start(visitor.name, "small", 60)
        return bool((await session.hub.servers(visitor.name))[""]["ready"])

    assert inside(small, start)


def with_kernel(hub: Hub, act: Callable[[Kernel], Awaitable[Any]]) -> Any:
    async def main(session: Session) -> Any:
        visitor = await session.visitor(names.user("small"))
        await session.hub.start(visitor.name, "small", 60)
        async with kernel(visitor) as running:
            return await act(running)

    return inside(hub, main)


def test_a_wall_is_seen_to_stand_only_where_something_else_can_be_reached(small: Hub):
    """Of the probes of a cluster, with this machine's own ports."""

    async def tries(running: Kernel) -> None:
        async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0) as server:
            is_open: tuple[str, int] = server.sockets[0].getsockname()
        # It is closed from here on, and nobody else is likely to take it.
        closed = is_open
        async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0) as server:
            is_open = server.sockets[0].getsockname()
            assert "no connection to" in await probes.stands(running, closed, is_open, 0)
            with pytest.raises(NotEnforced, match=f"a connection to 127.0.0.1:{is_open[1]}"):
                await probes.stands(running, is_open, is_open, 0)
            with pytest.raises(Failure, match="nothing was shown"):
                await probes.stands(running, closed, closed, 0)
            with pytest.raises(Failure, match="cannot be resolved"):
                await probes.stands(running, ("no-such-host.invalid", 80), is_open, 0)

    with_kernel(small, tries)


SPELLINGS = ["{name}", "slipway%2Dsmoke-small", "%73lipway-smoke%2dsmall", "SLIPWAY-smoke-small"]


def test_the_token_of_a_run_is_for_its_own_users_alone(small: Hub):
    small.user("grace")
    service = httpx.Client(
        base_url=small.url, headers={"Authorization": f"token {target(small).token}"}
    )
    assert service.get("/hub/api/users/grace").status_code == 404
    assert service.delete("/hub/api/users/grace").status_code in (403, 404)
    assert service.post("/hub/api/users/someone-new").status_code in (403, 404)
    assert service.post("/hub/api/users/grace/tokens").status_code in (403, 404)
    assert service.post("/hub/api/users/grace/server").status_code in (403, 404)
    assert service.get("/user/grace/").status_code != 200
    made = service.post(f"/hub/api/users/{names.user('small')}")
    for spelling in SPELLINGS:
        where = spelling.format(name=names.user("small"))
        renamed = service.patch(f"/hub/api/users/{where}", json={"name": "heidi"})
        assert renamed.status_code in (403, 404), where
    assert service.get(f"/hub/api/users/{names.user('small')}").status_code == 200
    assert service.get("/hub/api/users/heidi").status_code == 404
    assert service.delete(f"/hub/api/users/{names.user('small')}").status_code == 204
    assert made.status_code == 201
    assert [u for u in service.get("/hub/api/users").json() if u["name"] == "grace"] == []


def test_what_runs_is_told_to_the_service_alone(small: Hub):
    ada = small.user("ada")
    assert ada.get(f"/hub/{names.RUNNING}").status_code == 403
    assert httpx.get(f"{small.url}hub/{names.RUNNING}").status_code == 403


def wiped(home: Path, user: str) -> int:
    from slipway.smoke.inside.home import wipe

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv("JUPYTERHUB_USER", user)
        return wipe(names.USER)


def test_only_the_home_of_a_smoke_user_is_emptied(tmp_path: Path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/file").touch()
    (tmp_path / "link").symlink_to("folder")
    assert wiped(tmp_path, "ada") == 0
    assert (tmp_path / "folder/file").exists()
    assert wiped(tmp_path, f"{names.USER}-small") == 2
    assert list(tmp_path.iterdir()) == []


def test_where_nobody_can_log_in_routes_are_tried_with_a_token(small: Hub):
    """As on a hub whose logins an identity provider makes."""
    environment = load(small.folder, "local").environment("local")
    with smoke_target(environment, small.folder, None, None) as found_place:
        without = replace(found_place, password=None)
        found = asyncio.run(run(environment, without, lambda _: None, []))
    assert [check for check in found["checks"] if check["verdict"] in RED] == []
    details = {check["name"]: check["detail"] for check in found["checks"]}
    assert details["route /lab: logged out"].startswith("a login that goes on to the route")
    assert details["route /lab: stopped"] == "started the profile, then the app"
    assert details["route /lab: running"] == "straight into the app"
