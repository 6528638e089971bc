"""From a browser to an app in the user's server: our transport beside stock jupyter-server-proxy.

One run, turn by turn, over a unix socket, as a user who has logged in (a cookie). The direct path,
the hub's proxy alone and Jupyter's own `/api` are printed as well: they are the limits.
"""

import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from websockets.sync.client import connect

from benchmarks import publish
from benchmarks.up import free_ports, wait_for
from slipway.toolchain.node import node
from tests.support.jupyter import AUTHORIZATION, Jupyter, running_jupyter
from tests.support.local import ROOT

TURNS = 10
SECONDS = 1
MIB = 2**20
DOWNLOAD = 50 * MIB
GIB = 2**30
AS_ON_A_HUB = "c.ServerApp.allow_remote_access = True"
"""As jupyterhub-singleuser has it: the hub knows who comes, and no address is looked at."""
ECHOES = 1000

Samples = dict[str, list[float]]


@dataclass
class Way:
    """One way to the app: its address and the headers that let one pass."""

    url: str
    headers: dict[str, str] = field(default_factory=dict)


def main() -> None:
    if not shutil.which("wrk"):
        raise SystemExit("This needs wrk: install your system's package wrk")
    with everything() as (paths, sockets, jupyter):
        figures, ratios = {}, {}
        for connections in (1, 16):
            rates, latencies = small_answers(paths, connections)
            label = f"1 kB, c = {connections}"
            figures |= {f"{label}, {name}, req/s": median(v, 0) for name, v in rates.items()}
            figures |= {f"{label}, {name}, p50 ms": median(v, 3) for name, v in latencies.items()}
            ratios[f"{label}, req/s, ours / stock"] = ratio(rates)
            ratios[f"{label}, p50, ours / stock"] = ratio(latencies)
        speeds, first_bytes = downloads(paths)
        figures |= {f"50 MiB, {name}, MB/s": median(v, 0) for name, v in speeds.items()}
        figures |= {
            f"50 MiB, {name}, first byte ms": median(v, 1) for name, v in first_bytes.items()
        }
        ratios["50 MiB, MB/s, ours / stock"] = ratio(speeds)
        trips = round_trips(sockets)
        figures |= {f"websocket round trip, {name}, ms": median(v, 3) for name, v in trips.items()}
        ratios["websocket round trip, ours / stock"] = ratio(trips)
        figures |= memory(paths["ours"], jupyter)
    publish("datapath", ratios, figures)


@contextmanager
def everything() -> Iterator[tuple[dict[str, Way], dict[str, Way], Jupyter]]:
    """The ways to the app over HTTP, those for websockets, and the server with our transport."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name, app(Path(name)) as port:
        servers = {
            "app": {"unix_socket": f"{name}/http"},
            "socket": {"unix_socket": f"{name}/ws"},
        }
        with (
            running_jupyter("stock", Path(name) / "stock", servers, AS_ON_A_HUB) as stock,
            running_jupyter("ours", Path(name) / "ours", servers, AS_ON_A_HUB) as ours,
            hub_proxy(port) as proxied,
        ):
            known = {jupyter.kind: logged_in(jupyter) for jupyter in (stock, ours)}
            paths = {
                "direct": Way(f"http://127.0.0.1:{port}/"),
                "hub's proxy alone": Way(proxied),
                "Jupyter's /api": Way(f"{ours.url}api", known["ours"]),
                "stock": Way(f"{stock.url}app/", known["stock"]),
                "ours": Way(f"{ours.url}app/", known["ours"]),
            }
            sockets = {
                jupyter.kind: Way(
                    f"{jupyter.url.replace('http', 'ws', 1)}socket/", known[jupyter.kind]
                )
                for jupyter in (stock, ours)
            }
            yield paths, sockets, ours


@contextmanager
def app(folder: Path) -> Iterator[int]:
    command = [sys.executable, "-m", "benchmarks.plain_app", f"{folder}/http", f"{folder}/ws"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


@contextmanager
def hub_proxy(port: int) -> Iterator[str]:
    """configurable-http-proxy with one route, to the app."""
    own, api = free_ports(2)
    process = subprocess.Popen(
        [
            node(),
            ROOT / "node_modules/.bin/configurable-http-proxy",
            "--ip=127.0.0.1",
            f"--port={own}",
            f"--api-port={api}",
            f"--default-target=http://127.0.0.1:{port}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(f"http://127.0.0.1:{own}/")
        yield f"http://127.0.0.1:{own}/"
    finally:
        process.kill()
        process.wait()


def logged_in(jupyter: Jupyter) -> dict[str, str]:
    answer = httpx.get(f"{jupyter.url}api/status", headers=AUTHORIZATION)
    return {"Cookie": "; ".join(f"{c.name}={c.value}" for c in answer.cookies.jar)}


def turns(paths: dict[str, Way], measure: Callable[[Way], tuple[float, ...]]) -> list[Samples]:
    """Measure every path in each turn; one set of samples for each number that is measured."""
    found: list[Samples] = []
    for _ in range(TURNS):
        for name, path in paths.items():
            for number, value in enumerate(measure(path)):
                if len(found) <= number:
                    found.append({})
                found[number].setdefault(name, []).append(value)
    return found


def small_answers(paths: dict[str, Way], connections: int) -> list[Samples]:
    """Requests a second, and milliseconds until half of them were answered."""

    def measure(path: Way) -> tuple[float, float]:
        headers = [f"-H{name}: {value}" for name, value in path.headers.items()]
        options = ["-t1", f"-c{connections}", f"-d{SECONDS}s", "--latency", *headers]
        said = subprocess.run(
            ["wrk", *options, path.url], capture_output=True, text=True, check=True
        ).stdout
        assert "Non-2xx" not in said, said
        rate, p50 = re.search(r"Requests/sec: +([\d.]+)", said), re.search(r"50% +(\S+)", said)
        assert rate, said
        assert p50, said
        return float(rate[1]), milliseconds(p50[1])

    return turns(paths, measure)


def milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()  # type: ignore[union-attr]
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def downloads(paths: dict[str, Way]) -> list[Samples]:
    """MB a second, and milliseconds until the first byte."""
    chosen = {name: path for name, path in paths.items() if not path.url.endswith("/api")}

    def measure(path: Way) -> tuple[float, float]:
        began = time.perf_counter()
        seconds = receive(path, f"bytes/{DOWNLOAD}", DOWNLOAD)
        return DOWNLOAD / 1e6 / (time.perf_counter() - began), seconds * 1000

    return turns(chosen, measure)


def receive(path: Way, what: str, size: int) -> float:
    """Read at least `size` bytes of an answer; seconds until the first."""
    url = httpx.URL(path.url)
    with socket.create_connection((url.host, url.port)) as connection:
        head = [f"GET {url.path}{what} HTTP/1.1", f"Host: {url.host}:{url.port}"]
        head += [f"{name}: {value}" for name, value in path.headers.items()]
        connection.sendall("\r\n".join([*head, "", ""]).encode())
        began = time.perf_counter()
        buffer = bytearray(256 * 1024)
        received = connection.recv_into(buffer)
        first = time.perf_counter() - began
        while received < size:
            more = connection.recv_into(buffer)
            assert more, "the answer broke off"
            received += more
    return first


def round_trips(sockets: dict[str, Way]) -> Samples:
    """Milliseconds for a message of 1 kB to come back."""

    def measure(path: Way) -> tuple[float]:
        message = b"m" * 1024
        with connect(path.url, additional_headers=path.headers, compression=None) as websocket:
            times = []
            for _ in range(ECHOES):
                began = time.perf_counter()
                websocket.send(message)
                websocket.recv()
                times.append(time.perf_counter() - began)
        return (statistics.median(times) * 1000,)

    return turns(sockets, measure)[0]


def memory(path: Way, jupyter: Jupyter) -> dict[str, float]:
    """How much the server grows while a GiB passes; stock cannot."""
    before = jupyter.peak_memory()
    receive(path, f"bytes/{GIB}", GIB)
    down = jupyter.peak_memory() - before
    pieces = (b"u" * MIB for _ in range(GIB // MIB))
    headers = path.headers | {"Content-Length": str(GIB)}
    origin = {"Origin": path.url.split("/user")[0]}
    answer = httpx.post(path.url, content=pieces, headers=headers | origin, timeout=120)
    assert answer.text == str(GIB), answer.text
    up = jupyter.peak_memory() - before
    return {
        "1 GiB down, growth MiB": round(down / MIB, 1),
        "1 GiB up, growth MiB": round(up / MIB, 1),
    }


def median(values: list[float], digits: int) -> float:
    return round(statistics.median(values), digits)


def ratio(samples: Samples) -> float:
    """Of our transport to stock, turn by turn."""
    pairs = zip(samples["ours"], samples["stock"], strict=True)
    return round(statistics.median(ours / stock for ours, stock in pairs), 2)


if __name__ == "__main__":
    main()
