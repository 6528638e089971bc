"""Slipway on a real cluster: rendered, applied, used through a port of this machine, removed.

KUBECONFIG names the cluster. SLIPWAY_IMAGE_PREFIX says where its nodes pull the images `hub`,
`proxy` and `code-server` (`PREFIX/hub:working-tree`), SLIPWAY_STORAGE_CLASS which storage class to
use if not the default one.
"""

import json
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.support.local import SLIPWAY, Hub

BIN = Path(sys.executable).parent
KUBECTL = BIN / "kubectl" if (BIN / "kubectl").exists() else Path("kubectl")
PREFIX = "SLIPWAY_IMAGE_PREFIX"
STORAGE_CLASS = "SLIPWAY_STORAGE_CLASS"

SMALL = {"cpu": {"guarantee": 0.02, "limit": 2}, "memory": {"guarantee": "64Mi", "limit": "2Gi"}}
NOWHERE = {"memory": {"guarantee": "9Ti", "limit": "9Ti"}}


WORKING = ("vscode", "lab")
"""The profiles that start."""


def catalog(prefix: str, only: Sequence[str] = ()) -> dict[str, Any]:
    """Profiles that work, and one for each way not to; or `only` some of them."""

    def profile(title: str, image: str, app: str, resources: Any = SMALL) -> dict[str, Any]:
        return {"title": title, "image": image, "app": app, "resources": resources}

    every: dict[str, Any] = {
        "apps": {"lab": {"kind": "jupyterlab"}, "code": {"kind": "code-server"}},
        "images": {
            "code-server": {"apps": ["lab", "code"]},
            "no-notebook": {"apps": ["lab"], "reference": f"{prefix}/hub:working-tree"},
            "not-there": {"apps": ["lab"], "reference": f"{prefix}/no-such-image:1"},
        },
        "profiles": {
            "vscode": profile("VS Code", "code-server", "code"),
            "lab": profile("JupyterLab", "code-server", "lab"),
            "broken": profile("Broken", "no-notebook", "lab"),
            "missing": profile("Missing", "not-there", "lab"),
            "enormous": profile("Enormous", "code-server", "lab", NOWHERE),
        },
        "default_profile": "vscode",
        "routes": {
            "/code": {"profile": "vscode", "app": "code"},
            "/lab": {"profile": "lab", "app": "lab"},
        },
    }
    if only:
        every["profiles"] = {name: every["profiles"][name] for name in only}
    return every


@dataclass
class Cluster:
    namespace: str
    folder: Path
    password: str = field(default_factory=lambda: secrets.token_hex(16))

    def kubectl(self, *arguments: str, given: str | None = None, timeout: float = 300) -> str:
        """What kubectl prints. Raises AssertionError with what it complains about."""
        done = self.run(*arguments, given=given, timeout=timeout)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def run(
        self, *arguments: str, given: str | None = None, timeout: float = 300
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [KUBECTL, f"--namespace={self.namespace}", *arguments],
            input=given,
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    def get(self, *what: str) -> Any:
        return json.loads(self.kubectl("get", *what, "--output=json"))

    def pod(self, component: str) -> dict[str, Any]:
        """The one pod of a component that is not on its way out."""
        selector = f"--selector=app.kubernetes.io/component={component}"
        pods = self.get("pods", selector)["items"]
        alive = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
        assert len(alive) == 1, [pod["metadata"]["name"] for pod in pods]
        return dict(alive[0])

    def wait(self, deployment: str, seconds: int = 180) -> None:
        try:
            self.kubectl("rollout", "status", f"deployment/{deployment}", f"--timeout={seconds}s")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.report()}") from None

    def report(self) -> str:
        """What an operator would look at."""
        asked = [
            ("get", "pods,pvc", "--output=wide"),
            ("get", "events", "--sort-by=.lastTimestamp"),
            ("logs", "deployment/hub", "--all-containers", "--tail=60"),
        ]
        told = []
        for arguments in asked:
            try:
                told.append(self.kubectl(*arguments))
            except AssertionError as error:
                told.append(str(error))
        return "\n".join(told)

    def apply(self, chart: str) -> None:
        self.kubectl("apply", f"--filename={self.folder / 'out' / chart}")

    def remove_hub(self) -> None:
        """Everything of the chart but the Services: their addresses are what tests know."""
        text = (self.folder / "out/02-hub.yaml").read_text()
        kept = [item for item in text.split("\n---\n") if "\nkind: Service\n" not in f"\n{item}\n"]
        self.kubectl("delete", "--filename=-", "--wait=true", given="\n---\n".join(kept))

    def render(self) -> None:
        subprocess.run(
            [SLIPWAY, "render", "test", f"--project={self.folder}", "-o", self.folder / "out"],
            check=True,
        )

    def make_secrets(self) -> None:
        """As docs/kubernetes.md tells an operator to."""
        folder = self.folder / "secrets"
        folder.mkdir(mode=0o700)
        values = {
            "proxy_auth_token": secrets.token_hex(32),
            "cookie_secret": secrets.token_hex(32),
            "user_password": self.password,
            "admin_password": secrets.token_hex(32),
            "smoke_token": secrets.token_hex(32),
        }
        for name, value in values.items():
            (folder / name).write_text(value)
        self.kubectl("create", "secret", "generic", "hub-secrets", f"--from-file={folder}")

    def close(self) -> None:
        for chart in ("02-hub.yaml", "01-platform.yaml"):
            self.kubectl(
                "delete",
                f"--filename={self.folder / 'out' / chart}",
                "--ignore-not-found",
                "--wait=true",
                timeout=400,
            )


def project(
    folder: Path, namespace: str, changed: dict[str, Any], profiles: Sequence[str] = ()
) -> None:
    """A project whose environment `test` is this cluster."""
    prefix = os.environ[PREFIX].rstrip("/")
    storage: dict[str, Any] = {"homes": {"kind": "shared", "size": "1Gi"}, "hub_database": "256Mi"}
    if chosen := os.environ.get(STORAGE_CLASS):
        storage["homes"]["storage_class"] = storage["hub_database_class"] = chosen
    environment = {
        "target": "kubernetes",
        "namespace": namespace,
        "registry": prefix,
        "auth": {"kind": "shared-password", "allow_all": True},
        "storage": storage,
        **changed,
    }
    (folder / "environments").mkdir(parents=True)
    (folder / "environments/test.yaml").write_text(json.dumps(environment))
    (folder / "catalog.yaml").write_text(json.dumps(catalog(prefix, profiles)))


@contextmanager
def deployed(
    folder: Path, profiles: Sequence[str] = (), **changed: Any
) -> Iterator[tuple[Cluster, Hub]]:
    """The whole thing, up, with some profiles or all, and keys of its environment changed.
    It is removed in any case."""
    cluster = Cluster(f"slipway-test-{secrets.token_hex(3)}", folder)
    project(folder, cluster.namespace, changed, profiles)
    cluster.render()
    try:
        cluster.apply("01-platform.yaml")
        cluster.make_secrets()
        cluster.apply("02-hub.yaml")
        cluster.wait("proxy")
        cluster.wait("hub")
        with reached(cluster) as url:
            hub = Hub(url, cluster.password, folder, None)
            # A Service leads to a pod that is ready a moment later.
            seconds_until(lambda: healthy(hub), 60)
            yield cluster, hub
    finally:
        cluster.close()


@contextmanager
def reached(cluster: Cluster) -> Iterator[str]:
    """The address of the proxy's Service: its own if this machine is a node or has a way to it,
    else a port of this machine that leads to whichever pod it is at the moment."""
    own = f"http://{cluster.get('service', 'proxy-public')['spec']['clusterIP']}/"
    if answers(own):
        yield own
        return
    forward = Forward(cluster)
    forward.start()
    try:
        yield f"http://127.0.0.1:{forward.port}/"
    finally:
        forward.close()


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}_chp_healthz", timeout=1).status_code == 200
    except httpx.HTTPError:
        return False


def healthy(hub: Hub) -> bool:
    """Whether the hub itself answers, through the proxy."""
    try:
        return httpx.get(f"{hub.url}hub/health", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


class Forward(threading.Thread):
    """kubectl's port-forward ends with its pod: this one goes on with the next."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(daemon=True)
        self._cluster, self._closed = cluster, threading.Event()
        self._process = self._run(0)
        self.port = self._read_port()

    def _run(self, port: int) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [
                KUBECTL,
                f"--namespace={self._cluster.namespace}",
                "port-forward",
                "service/proxy-public",
                f"{port or ''}:80",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def _read_port(self) -> int:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.startswith("Forwarding from 127.0.0.1:"), self._process.communicate()
        return int(line.split()[2].rpartition(":")[2])

    def run(self) -> None:
        while not self._closed.is_set():
            if self._process.poll() is not None:
                self._process = self._run(self.port)
            elif answers(f"http://127.0.0.1:{self.port}/"):
                self._closed.wait(0.1)
                continue
            else:
                # It holds on to a pod that is gone until it is ended.
                self._process.terminate()
            self._closed.wait(0.1)

    def close(self) -> None:
        self._closed.set()
        self.join(timeout=5)
        self._process.terminate()
        self._process.wait(timeout=10)


def seconds_until(condition: Callable[[], bool], most: float, every: float = 0.05) -> float:
    """How long it took. Raises AssertionError after `most` seconds."""
    begin = time.monotonic()
    while not condition():
        assert time.monotonic() - begin < most, f"not within {most} s"
        time.sleep(every)
    return time.monotonic() - begin
