"""What the hub knows of pods while the Kubernetes API is away, and once it is back."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from kubernetes_asyncio.client import ApiClient, Configuration, CoreV1Api
from kubernetes_asyncio.client.rest import ApiException
from kubespawner.spawner import PodReflector
from slipway_hub.pod_spawner import PodSpawner
from slipway_hub.reflectors import LastingPods, LastingReflector

from tests.support.kubernetes_api import KubernetesApi, kubernetes_api
from tests.support.no_cluster import no_cluster

MANY = 15
"""More questions than KubeSpawner asks before it gives up."""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LastingReflector, "again_after", 0.01)


@asynccontextmanager
async def asking(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *pods: str
) -> AsyncIterator[tuple[Any, KubernetesApi]]:
    """A spawner, and the API that its reflectors ask."""
    async with kubernetes_api(*pods) as api, ApiClient(Configuration(host=api.url)) as client:
        core = CoreV1Api(client)
        monkeypatch.setattr("kubespawner.reflector.shared_client", lambda group: core)
        monkeypatch.setattr(PodSpawner, "reflectors", {})
        with no_cluster(folder):
            spawner = PodSpawner(_mock=True, namespace="hub")
        spawner.pod_name = "user-ada"
        try:
            yield spawner, api
        finally:
            await PodSpawner._stop_all_reflectors()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("trouble", ["cut", 503, 429])
def test_pods_are_known_while_the_api_is_away_and_new_ones_when_it_is_back(
    trouble: int | str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async def run() -> None:
        async with asking(tmp_path, monkeypatch, "user-ada") as (spawner, api):
            await spawner._start_watching_pods()
            reflector = spawner.pod_reflector
            assert isinstance(reflector, LastingPods)
            assert list(reflector.pods) == ["hub/user-ada"]
            api.set(trouble=trouble)
            await until(lambda: api.unanswered >= MANY)
            assert list(reflector.pods) == ["hub/user-ada"]
            api.set("user-grace")
            await until(lambda: list(reflector.pods) == ["hub/user-grace"])
            api.set("user-grace", "user-edsger")
            await until(lambda: len(reflector.pods) == 2)

    asyncio.run(run())


def test_a_hub_that_starts_while_the_api_is_away_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async def run() -> None:
        async with asking(tmp_path, monkeypatch) as (spawner, api):
            api.set(trouble="cut")
            polling = asyncio.ensure_future(spawner.poll())
            await until(lambda: api.unanswered >= MANY)
            assert not polling.done()
            api.set("user-grace")
            assert await polling == 1
            assert list(spawner.pod_reflector.pods) == ["hub/user-grace"]

    asyncio.run(run())


def test_a_refused_list_ends_no_server_and_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async def run() -> None:
        async with asking(tmp_path, monkeypatch, "user-grace") as (spawner, api):
            api.set("user-grace", trouble=403)
            assert [await spawner.poll() for _ in range(3)] == [None, None, None]
            with pytest.raises(ApiException):
                await spawner._start_watching_pods()
            api.set("user-grace")
            assert await spawner.poll() == 1

    asyncio.run(run())


@pytest.mark.parametrize("stopped", [True, False])
def test_a_watch_that_ends_by_itself_ends_the_hub(
    stopped: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    signals: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda *sent: signals.append(sent))

    async def gives_up(self: Any) -> None:
        if stopped:
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()

    monkeypatch.setattr(PodReflector, "_watch_and_update", gives_up)

    async def run() -> None:
        async with asking(tmp_path, monkeypatch) as (spawner, _):
            await spawner._start_watching_pods()
            watch = spawner.pod_reflector.watch_task
            if stopped:
                await asyncio.sleep(0)
                await spawner.pod_reflector.stop()
            await asyncio.wait({watch})
            await asyncio.sleep(0)

    asyncio.run(run())
    assert signals == ([] if stopped else [(os.getpid(), signal.SIGTERM)])
