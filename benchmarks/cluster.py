"""On a real cluster: starting a server, a killed proxy, a killed hub, thirty starts at once.

The peer, in the same run on the same images, is KubeSpawner and configurable-http-proxy with their
own classes and Zero to JupyterHub's settings: same pods, the stock command, the stock checks.
Needs KUBECONFIG and SLIPWAY_IMAGE_PREFIX, as tests/cluster does.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from benchmarks import publish
from tests.support.cluster import Cluster, deployed, seconds_until
from tests.support.local import Hub, User

SPAWNS, KILLS, CROWD = 6, 3, 30
EDITOR = "code/?folder=/home/jovyan"
STOCK: dict[str, Any] = {
    "extra_config": {
        "JupyterHub": {
            "spawner_class": "kubespawner.KubeSpawner",
            "proxy_class": "configurable-http-proxy",
            "last_activity_interval": 60,
        },
        "KubeSpawner": {
            "modify_pod_hook": None,
            "lifecycle_hooks": {},
            "cmd": ["jupyterhub-singleuser"],
            "profile_list": [{"display_name": "VS Code", "slug": "vscode"}],
        },
    }
}


def spawns(hub: Hub) -> dict[str, float]:
    """Median seconds of warm starts, from the request until ready and until VS Code answers."""
    user = hub.user("spawner")
    ready, answers = [], []
    for _ in range(SPAWNS + 1):
        began = time.monotonic()
        user.start("vscode")
        ready.append(time.monotonic() - began)
        assert user.visit(f"/user/spawner/{EDITOR}").status_code == 200
        answers.append(time.monotonic() - began)
        user.stop()
    # The first one fills caches.
    return {
        "ready, s": round(statistics.median(ready[1:]), 2),
        "VS Code's first answer, s": round(statistics.median(answers[1:]), 2),
    }


def kills(cluster: Cluster, hub: Hub) -> dict[str, float]:
    """Worst seconds until a killed proxy serves a running server again, and until a killed hub
    answers; requests of the user that failed meanwhile."""
    user = hub.user("killer")
    user.start("vscode")
    user.visit(f"/user/killer/{EDITOR}")
    server = httpx.Client(base_url=hub.url, cookies=user.client.cookies, timeout=1)
    editor, health = f"user/killer/{EDITOR}", "hub/health"
    proxy, hubs = [], []
    failures: list[float] = []

    def use_server() -> None:
        if not ok(server, editor):
            failures.append(time.monotonic())

    for _ in range(KILLS):
        proxy.append(outage(cluster, "proxy", lambda: ok(server, editor)))
        time.sleep(3)
        hubs.append(outage(cluster, "hub", lambda: ok(server, health), use_server))
        cluster.wait("hub")
    user.stop()
    return {
        "killed proxy, worst s": round(max(proxy), 1),
        "killed hub, worst s": round(max(hubs), 1),
        "user's requests failed while the hub was away": len(failures),
    }


def outage(
    cluster: Cluster,
    component: str,
    works: Callable[[], bool],
    meanwhile: Callable[[], Any] = lambda: None,
) -> float:
    """Seconds from the kill until it works again after it has failed."""
    name = cluster.pod(component)["metadata"]["name"]
    cluster.kubectl("delete", "pod", name, "--grace-period=0", "--force", "--wait=false")
    began = time.monotonic()
    seconds_until(lambda: not works(), 20, every=0.02)

    def looked() -> bool:
        meanwhile()
        return works()

    seconds_until(looked, 400)
    return time.monotonic() - began


def ok(client: httpx.Client, path: str) -> bool:
    try:
        return client.get(path).status_code == 200
    except httpx.HTTPError:
        return False


def crowd(hub: Hub) -> dict[str, float]:
    """Seconds until all of many servers that were asked for at once are ready."""
    users = [hub.user(f"crowd-{number:02}") for number in range(CROWD)]
    began = time.monotonic()
    with ThreadPoolExecutor(CROWD) as pool:
        done = list(pool.map(lambda user: start(user, began), users))
        figures = {
            "starts at once": CROWD,
            "of them ready": sum(seconds is not None for seconds in done),
            "last ready, s": round(max(seconds or 0 for seconds in done), 1),
        }
        list(pool.map(User.stop, users))
    return figures


def start(user: User, began: float) -> float | None:
    options = {"profile": "vscode"}
    answer = user.client.post(
        f"/hub/api/users/{user.name}/server", json=options, headers=user._api(), timeout=60
    )
    deadline = time.monotonic() + 400
    while answer.status_code in (201, 202) and time.monotonic() < deadline:
        server = user.servers().get("")
        if server is None:
            return None
        if server["ready"]:
            return time.monotonic() - began
        time.sleep(1)
    return None


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        with deployed(Path(name) / "slipway") as (cluster, hub):
            ours = spawns(hub) | kills(cluster, hub) | crowd(hub)
        with deployed(Path(name) / "stock", **STOCK) as (cluster, hub):
            theirs = spawns(hub) | kills(cluster, hub)
    publish(
        "cluster",
        ratios={
            f"{what} / stock": round(ours[what] / theirs[what], 2)
            for what in ("ready, s", "VS Code's first answer, s", "killed proxy, worst s")
        },
        figures=ours | {f"stock: {what}": figure for what, figure in theirs.items()},
    )


if __name__ == "__main__":
    main()
