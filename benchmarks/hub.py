"""A hub with a thousand users: what it needs, for its requests and limits in `charts/resources.py`.

Everything is real but the users' servers: one small web server stands in for all of them, so that
a thousand fit on this machine. KubeSpawner's memory of a thousand pods is measured apart.
"""

import gc
import json
import os
import statistics
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import psutil
import yaml
from jupyterhub import __version__ as jupyterhub_version
from jupyterhub.spawner import Spawner

from benchmarks import publish
from tests.support.local import ROOT, Hub, User, make_project, running_hub

USERS = 1000
AT_ONCE = 32
STEADY_SECONDS = 60
PORT = "SLIPWAY_BENCHMARK_PORT"
MIB = 2**20


class StandInSpawner(Spawner):  # type: ignore[misc]
    """Every server is the one at PORT."""

    started = False

    async def start(self) -> str:
        self.started = True
        return f"http://127.0.0.1:{os.environ[PORT]}"

    async def stop(self, now: bool = False) -> None:
        self.started = False

    async def poll(self) -> int | None:
        return None if self.started else 0


class StandInServer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b'{"version": "2.21.1"}'
        self.send_response(200)
        self.send_header("X-JupyterHub-Version", jupyterhub_version)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), StandInServer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = {PORT: str(server.server_port), "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryDirectory() as name:
        folder = make_project(Path(name) / "project")
        local = folder / "environments/local.yaml"
        spec = yaml.safe_load(local.read_text())
        spawner = f"{StandInSpawner.__module__}.{StandInSpawner.__qualname__}"
        hub_config = {
            "spawner_class": spawner.replace("__main__", "benchmarks.hub"),
            # Five times as often as the hub does, so that the minute in use has one.
            "last_activity_interval": 60,
        }
        spec |= {"concurrent_spawns": 1000, "extra_config": {"JupyterHub": hub_config}}
        local.write_text(json.dumps(spec))
        with running_hub(folder, **environment) as hub:
            figures = measure(hub)
    figures["KubeSpawner's memory of 1,000 pods, MiB"] = reflector_memory()
    publish("hub", ratios={}, figures=figures)


def measure(hub: Hub) -> dict[str, float]:
    process = hub_process(hub)
    empty = process.memory_info().rss
    began, cpu = time.monotonic(), cpu_seconds(process)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        users = list(pool.map(lambda number: arrive(hub, number), range(USERS)))
    took = time.monotonic() - began
    arriving = cpu_seconds(process) - cpu
    peak = process.memory_info().rss
    cpu, answers = cpu_seconds(process), steady(hub, users)
    steadily = cpu_seconds(process) - cpu
    return {
        "users with a running server": len(users),
        "empty hub, MiB": round(empty / MIB),
        "after all have arrived, MiB": round(peak / MIB),
        "after a minute of use, MiB": round(process.memory_info().rss / MIB),
        "logins and starts per second": round(USERS / took, 1),
        "CPU of the hub per login and start, ms": round(arriving / USERS * 1000, 1),
        "CPU of the hub in use, % of a core": round(100 * steadily / STEADY_SECONDS, 1),
        "health in use, median ms": round(statistics.median(answers) * 1000, 1),
        "health while the proxy's activity is read, worst ms": round(max(answers) * 1000, 1),
    }


def arrive(hub: Hub, number: int) -> User:
    user = hub.user(f"user-{number:04}")
    answer = user.client.post(f"/hub/api/users/{user.name}/server", json={}, headers=user._api())
    assert answer.status_code in (201, 202), answer.text
    return user


def steady(hub: Hub, users: list[User]) -> list[float]:
    """A minute in which every server asks the hub what one does: who its user is, every five
    minutes each, and that is 3.3 requests a second. Seconds of health requests meanwhile."""
    answers = []
    deadline = time.monotonic() + STEADY_SECONDS
    turn = 0
    with httpx.Client(base_url=hub.url, timeout=60) as client:
        while time.monotonic() < deadline:
            began = time.monotonic()
            client.get("/hub/health")
            answers.append(time.monotonic() - began)
            users[turn % len(users)].servers()
            turn += 1
            time.sleep(max(0.0, 0.3 - (time.monotonic() - began)))
    return answers


def hub_process(hub: Hub) -> psutil.Process:
    assert hub.process is not None
    for child in psutil.Process(hub.process.pid).children(recursive=True):
        if child.cmdline()[1:4] == ["-m", "slipway_hub.commands", "run"]:
            return child
    raise SystemExit("there is no hub")


def cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def reflector_memory() -> float:
    """What a thousand pods take, as KubeSpawner's reflector keeps them: parsed JSON."""
    pod = json.dumps(_pod())
    gc.collect()
    before = psutil.Process().memory_info().rss
    kept: list[Any] = [json.loads(pod) for _ in range(USERS)]
    after = psutil.Process().memory_info().rss
    assert len(kept) == USERS
    return round((after - before) / MIB, 1)


def _pod() -> dict[str, Any]:
    """About what the API server sends of a user's pod: spec, managed fields, conditions."""
    from tests.charts.conftest import environment_on_cluster
    from tests.charts.user_pods import user_pod

    with tempfile.TemporaryDirectory() as name:
        pod = user_pod(environment_on_cluster("dev"), "vscode", Path(name))
    condition = {"lastTransitionTime": "2026-11-24T00:00:00Z", "status": "True", "type": "Ready"}
    fields = {"fieldsType": "FieldsV1", "fieldsV1": pod["spec"], "manager": "kubelet"}
    pod["metadata"]["managedFields"] = [fields, fields]
    return pod | {"status": {"conditions": [condition] * 5, "phase": "Running"}}


if __name__ == "__main__":
    main()
