"""Users' servers in containers, run by a real JupyterHub as the cluster would run their pods.

The hub is started by `running_hub`; its configuration is this file.
"""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from slipway.toolchain.node import node
from tests.support.local import ROOT, Hub, User

RESTRICTED = (
    "--read-only",
    "--read-only-tmpfs=false",
    "--tmpfs=/tmp:rw,mode=1777",
    "--cap-drop=all",
    "--security-opt=no-new-privileges",
)
"""What Pod Security `restricted` and charts leave to a user's container, in podman's words."""
HOME = "/home/jovyan"


def podman(*arguments: str, check: bool = True) -> str:
    """Run podman and return what it prints. Raises AssertionError with its errors."""
    done = subprocess.run(["podman", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0 or not check, f"podman {arguments}: {done.stderr}"
    return done.stdout


def run(image: str, *command: str, options: tuple[str, ...] = RESTRICTED, uid: int = 1000) -> str:
    """Run a command in a container of its own, without the image's entry point."""
    user = f"--user={uid}:{uid}"
    entry = ["--entrypoint", command[0], image, *command[1:]]
    return podman("run", "--rm", "--network=host", user, *options, *entry)


@contextmanager
def running_hub(folder: Path, images: Mapping[str, str]) -> Iterator[Hub]:
    """A hub whose users choose one of `images` as their profile; homes are below `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    password = secrets.token_hex(16)
    port, api, proxied = free_ports(3)
    settings = {
        "images": dict(images), "homes": str(folder / "homes"), "password": password,
        "port": port, "api": api, "proxied": proxied,
    }  # fmt: skip
    (folder / "settings.json").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "jupyterhub", "-f", __file__]
    environment = {
        **os.environ, "SLIPWAY_TEST_HUB": str(folder / "settings.json"),
        "CONFIGPROXY_AUTH_TOKEN": secrets.token_hex(16), "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    with (folder / "hub.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
    url = f"http://127.0.0.1:{port}/"
    try:
        wait_for(f"{url}hub/api", process, folder / "hub.log")
        yield Hub(url, password, folder, None)
    finally:
        process.terminate()
        process.wait(timeout=60)


def container_of(user: User) -> str:
    """The name of the running container of a user's server."""
    return podman("ps", "--format={{.Names}}", f"--filter=name=slipway-test-{user.name}-").strip()


def inside(user: User, *command: str, check: bool = True) -> str:
    """What a command prints in the container of a user's server, run as the user."""
    return podman("exec", container_of(user), *command, check=check)


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listening.getsockname()[1] for listening in sockets]
    for listening in sockets:
        listening.close()
    return ports


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.TransportError:
            pass
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


def configure(c: Any, settings: dict[str, Any]) -> None:
    from jupyterhub.spawner import Spawner
    from jupyterhub.utils import random_port
    from slipway_hub.kubespawner_config import start_command

    from slipway.settings.server import IN_IMAGE

    class PodmanSpawner(Spawner):  # type: ignore[misc]
        """A container with the restrictions of a pod. `uid` as an option: another than 1000."""

        container = ""

        async def start(self) -> tuple[str, int]:
            uid = str(self.user_options.get("uid", 1000))
            home = Path(settings["homes"], self.user.name)
            home.mkdir(parents=True, exist_ok=True)
            shutil.chown(home, int(uid), int(uid))
            self.port = random_port()
            variables = [f"--env={name}={value}" for name, value in self.get_env().items()]
            self.container = podman(
                "run", "--detach", "--network=host", f"--user={uid}:{uid}", "--passwd=false",
                *RESTRICTED, f"--volume={home}:{HOME}", f"--env=HOME={HOME}", *variables,
                "--label=slipway-test", f"--name=slipway-test-{self.user.name}-{self.port}",
                "--entrypoint", json.dumps(start_command(IN_IMAGE.python)),
                settings["images"][self.user_options["profile"]],
            ).strip()  # fmt: skip
            return "127.0.0.1", self.port

        async def poll(self) -> int | None:
            told = podman("inspect", "--format={{.State.Running}}", self.container, check=False)
            return None if told.strip() == "true" else 1

        async def stop(self, now: bool = False) -> None:
            podman("rm", "--force", "--time=10", self.container, check=False)

    host = "127.0.0.1"
    c.JupyterHub.bind_url = f"http://{host}:{settings['port']}"
    c.JupyterHub.hub_bind_url = f"http://{host}:{settings['api']}"
    c.ConfigurableHTTPProxy.api_url = f"http://{host}:{settings['proxied']}"
    chp = ROOT / "node_modules/configurable-http-proxy/bin/configurable-http-proxy"
    c.ConfigurableHTTPProxy.command = [str(node()), str(chp)]
    c.JupyterHub.authenticator_class = "shared-password"
    c.SharedPasswordAuthenticator.user_password = settings["password"]
    c.Authenticator.allow_all = True
    c.JupyterHub.spawner_class = PodmanSpawner
    c.Spawner.env_keep = []
    c.Spawner.apply_user_options = lambda spawner, options: None
    c.Spawner.start_timeout = c.Spawner.http_timeout = 60
    c.JupyterHub.db_url = "sqlite:///:memory:"


if "SLIPWAY_TEST_HUB" in os.environ and "get_config" in globals():
    configure(
        globals()["get_config"](), json.loads(Path(os.environ["SLIPWAY_TEST_HUB"]).read_text())
    )
