"""The local hub: its state below `.slipway/`, its secrets, its settings, its process."""

import getpass
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import slipway_hub
from slipway_hub.settings import VARIABLE, Addresses, HubSettings, LocalSpawning

from slipway.hub_settings import local_settings
from slipway.local import processes
from slipway.local.images import SKEL, LocalImages, prepare
from slipway.model import Environment
from slipway.toolchain import Progress, code_server, node

CONFIG = Path(slipway_hub.__file__).parent / "jupyterhub_config.py"
ADDRESS = "127.0.0.1"
START_SECONDS = 60
STOP_SECONDS = 3.5


class LocalHubError(Exception):
    """The local hub cannot run; the message says why and what to do."""


@dataclass(frozen=True)
class LocalHub:
    """A running hub: where it is, who may log in, and how to stop it."""

    url: str
    username: str
    password: str
    routes: dict[str, str]
    """Path to title."""
    missing: dict[str, str]
    """Title to remedy of the apps that this machine cannot run."""
    log: Path
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """End the hub, the proxy, every server and every app within 5 seconds."""
        processes.stop(self.process, STOP_SECONDS)


def start(environment: Environment, root: Path, port: int, progress: Progress) -> LocalHub:
    """Install what is missing, start the hub and wait until it answers.

    Raises LocalHubError, toolchain.node.NpmError, toolchain.rsession_proxy.PipError.
    """
    port = claim_port(port)
    state = root / ".slipway"
    path = install_tools(root, state, progress)
    images = prepare(environment, state, path, progress)
    secrets_folder = write_secrets(state / "secrets")
    hub_folder = state / "hub"
    hub_folder.mkdir(exist_ok=True)
    settings = _settings(environment, root, state, images, path, port)
    settings_file = hub_folder / "settings.json"
    settings_file.write_text(settings.model_dump_json(indent=2))

    progress("JupyterHub")
    processes.adopt_orphans()
    log = hub_folder / "jupyterhub.log"
    log.unlink(missing_ok=True)
    process = processes.start(
        [sys.executable, "-m", "jupyterhub", "-f", str(CONFIG), "--upgrade-db"],
        {**os.environ, "PATH": path, VARIABLE: str(settings_file)},
        hub_folder,
        log,
    )
    hub = LocalHub(
        url=f"http://{ADDRESS}:{port}/",
        username=getpass.getuser().lower(),
        password=(secrets_folder / "user_password").read_text(),
        routes={route.path: route.title for route in settings.routes},
        missing={
            app.label: app.requirement.remedy for app in images.missing.values() if app.requirement
        },
        log=log,
        process=process,
    )
    try:
        _wait_until_it_answers(hub)
    except BaseException:
        hub.stop()
        raise
    return hub


def install_tools(root: Path, state: Path, progress: Progress) -> str:
    """Install the proxy and code-server if they are missing; return the PATH of servers."""
    if not node.is_installed(root):
        progress("configurable-http-proxy")
        node.install(root)
    editor = code_server.install(root / "images/code-server", state / "tools", progress)
    folders = [str(editor), str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    return os.pathsep.join(folders)


def claim_port(port: int) -> int:
    """`port` if it is free, any free one for 0. Raises LocalHubError with what to pass instead."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except (OSError, OverflowError) as error:
            raise LocalHubError(
                f"Port {port} is in use or not allowed here.\n"
                f"Pass another one: slipway up --port {_free_port()}"
            ) from error
        return int(probe.getsockname()[1])


def write_secrets(folder: Path) -> Path:
    """Generate each secret once, readable by this user alone."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    makers = {
        "cookie_secret": secrets.token_hex(32),
        "proxy_auth_token": secrets.token_hex(32),
        "user_password": secrets.token_urlsafe(12),
        "admin_password": secrets.token_urlsafe(32),
    }
    for name, value in makers.items():
        file = folder / name
        if not file.exists():
            partial = folder / f".{name}"
            partial.touch(mode=0o600)
            partial.write_text(value)
            partial.rename(file)
    return folder


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        return int(probe.getsockname()[1])


def _settings(
    environment: Environment, root: Path, state: Path, images: LocalImages, path: str, port: int
) -> HubSettings:
    hub = f"http://{ADDRESS}:{_free_port()}"
    proxy = root / "node_modules/configurable-http-proxy/bin/configurable-http-proxy"
    return local_settings(
        environment,
        Addresses(
            public_url=f"http://{ADDRESS}:{port}/",
            proxy_bind_url=f"http://{ADDRESS}:{port}/",
            proxy_api_url=f"http://{ADDRESS}:{_free_port()}",
            hub_bind_url=hub,
            hub_connect_url=hub,
        ),
        state=str(state / "hub"),
        secrets=str(state / "secrets"),
        spawning=LocalSpawning(
            homes=str(state / "homes"),
            skel=str(SKEL),
            config=str(images.config),
            path=path,
            command=_server_command(),
            proxy_command=(str(node.node()), str(proxy)),
            python_path=images.python_path,
        ),
    )


def _server_command() -> tuple[str, ...]:
    command = (sys.executable, "-m", "jupyterhub.singleuser")
    # Whoever works as root, as in many a container, has chosen to; Jupyter wants to be told.
    return (*command, "--allow-root") if os.geteuid() == 0 else command


def _wait_until_it_answers(hub: LocalHub) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if hub.process.poll() is not None:
            raise LocalHubError(f"JupyterHub ended at once. {_last_lines(hub.log)}")
        try:
            with urllib.request.urlopen(f"{hub.url}hub/health", timeout=2):  # noqa: S310
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise LocalHubError(f"JupyterHub did not answer in {START_SECONDS} s. {_last_lines(hub.log)}")


def _last_lines(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()[-15:]
    return "\n".join([f"The end of {log}:", *lines])
