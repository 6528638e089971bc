"""`slipway up` on a set-up machine: until the hub answers, and until everything has ended.

The peer in the same run is `jupyterhub` with its stock configuration and the same proxy.
"""

import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from benchmarks import publish
from slipway.toolchain.node import node
from tests.support.local import ROOT, SLIPWAY, make_project

RUNS = 3


def measured(start: Callable[[Path], tuple[subprocess.Popen[bytes], str]]) -> tuple[float, float]:
    """Median seconds until the hub answers, and from SIGINT until it has ended."""
    ups, downs = [], []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as name:
            began = time.perf_counter()
            process, url = start(Path(name))
            wait_for(f"{url}/hub/health")
            ups.append(time.perf_counter() - began)
            began = time.perf_counter()
            process.send_signal(signal.SIGINT)
            process.wait(timeout=60)
            downs.append(time.perf_counter() - began)
    return round(statistics.median(ups), 2), round(statistics.median(downs), 2)


def wait_for(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"{url} did not answer")


def free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def slipway(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    project = make_project(folder / "project")
    (port,) = free_ports(1)
    command = [
        str(SLIPWAY),
        "up",
        "--json",
        "--no-browser",
        f"--port={port}",
        f"--project={project}",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return process, f"http://127.0.0.1:{port}"


def stock(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    public, hub, api = free_ports(3)
    path = [Path(sys.executable).parent, node().parent, ROOT / "node_modules/.bin"]
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "jupyterhub",
            f"--JupyterHub.bind_url=http://127.0.0.1:{public}",
            f"--JupyterHub.hub_port={hub}",
            f"--ConfigurableHTTPProxy.api_url=http://127.0.0.1:{api}",
            "--JupyterHub.authenticator_class=null",
        ],
        cwd=folder,
        env={**os.environ, "PATH": os.pathsep.join([*map(str, path), os.environ["PATH"]])},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return process, f"http://127.0.0.1:{public}"


def main() -> None:
    up, down = measured(slipway)
    stock_up, stock_down = measured(stock)
    publish(
        "up",
        ratios={
            "until the hub answers / stock jupyterhub": round(up / stock_up, 2),
        },
        figures={
            "slipway up until the hub answers, s": up,
            "stock jupyterhub until it answers, s": stock_up,
            "slipway up, Ctrl-C until all has ended, s": down,
            "stock jupyterhub, the same, s": stock_down,
        },
    )


if __name__ == "__main__":
    main()
