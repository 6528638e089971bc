"""The local hub: its state below `.slipway/`, its secrets, its settings, its process."""

import contextlib
import fcntl
import getpass
import http.client
import os
import re
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from slipway_hub.settings import VARIABLE, Addresses, HubSettings, LocalSpawning

from slipway import facts, files
from slipway.installation import INSTALLATION, TOOLS
from slipway.local import processes
from slipway.local.images import SKEL, LocalImages, prepare
from slipway.model import Environment
from slipway.model.auth import USER_NAME
from slipway.settings.hub import hub_settings
from slipway.toolchain import Progress, code_server, node

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
    """Path to remedy of the routes whose app this machine cannot run."""
    log: Path
    process: subprocess.Popen[bytes]
    lock: IO[str]

    def stop(self) -> None:
        """End the hub, the proxy, every server and every app. Whatever has not ended after
        STOP_SECONDS is killed."""
        processes.stop(self.process, STOP_SECONDS)
        self.lock.close()


def start(environment: Environment, root: Path, port: int, progress: Progress) -> LocalHub:
    """Install what is missing, start the hub and wait until it answers.

    Raises LocalHubError, toolchain.node.NpmError, toolchain.rsession_proxy.PipError.
    """
    state = private_folder(root / facts.STATE_FOLDER)
    hub_folder = private_folder(state / "hub")
    lock = claim_state(hub_folder / "lock")
    keep_private(hub_folder)
    url = f"http://{ADDRESS}:{claim_port(port)}/"
    lock.write(url)
    lock.flush()
    path = install_tools(progress)
    images = prepare(environment, state, path, progress)
    secrets_folder = write_secrets(state / "secrets")
    settings = _settings(environment, state, images, path, url)
    settings_file = hub_folder / "settings.json"
    files.write(settings_file, settings.model_dump_json(indent=2), mode=0o600)

    progress("JupyterHub")
    log = hub_folder / "jupyterhub.log"
    log.unlink(missing_ok=True)
    command = [sys.executable, "-m", "slipway_hub.commands", "run"]
    variables = {**os.environ, "PATH": path, VARIABLE: str(settings_file)}
    process = processes.start(command, variables, hub_folder, log)
    hub = LocalHub(
        url=url,
        username=user_name(environment),
        password=(secrets_folder / facts.USER_PASSWORD).read_text(),
        routes={route.path: route.title for route in settings.routes},
        missing={
            path: images.remedies[route.app]
            for path, route in environment.catalog.routes.items()
            if route.app in images.remedies
        },
        log=log,
        process=process,
        lock=lock,
    )
    try:
        _wait_until_it_answers(hub)
    except BaseException:
        hub.stop()
        raise
    return hub


def install_tools(progress: Progress) -> str:
    """Install the proxy and code-server if they are missing; return the PATH of servers."""
    if not node.is_installed(INSTALLATION):
        progress("configurable-http-proxy")
        node.install(INSTALLATION)
    editor = code_server.install(INSTALLATION / "images/code-server", TOOLS, progress)
    folders = [str(editor), str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    return os.pathsep.join(folders)


def private_folder(folder: Path) -> Path:
    """The folder, for this user alone: other accounts of the machine reach nothing below it.

    Raises LocalHubError.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise LocalHubError(
            f"{folder} cannot be kept from other accounts of this machine: {error.strerror}.\n"
            "Make it yours (chown), or delete it: servers' homes are in it."
        ) from error
    return folder


def keep_private(folder: Path) -> None:
    """Take files of an earlier start from everybody else: the database and its copies, the log."""
    for file in folder.iterdir():
        if file.is_file() and not file.is_symlink():
            file.chmod(file.stat().st_mode & 0o700)


def claim_state(file: Path) -> IO[str]:
    """Hold the state for one hub at a time. Raises LocalHubError that says where the other is."""
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = file.open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.seek(0)
        where = lock.read() or "an address it will print soon"
        lock.close()
        raise LocalHubError(
            f"Slipway already runs for this project, at {where}\nUse it, or stop it with Ctrl-C."
        ) from error
    lock.truncate(0)
    return lock


def user_name(environment: Environment) -> str:
    """A name that may log in: one that the environment names, or this machine's user."""
    auth = environment.spec.auth
    named = (*auth.allowed_users, *auth.admin_users)
    if named and not auth.allow_all:
        return named[0]
    try:
        name = getpass.getuser().lower()
    except (KeyError, OSError):  # a user without an entry in the password file
        return "you"
    return name if re.fullmatch(USER_NAME, name) else "you"


def claim_port(port: int) -> int:
    """`port` if it is free, any free one for 0. Raises LocalHubError with what to pass instead."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except (OSError, OverflowError) as error:
            (free,) = _free_ports(1)
            raise LocalHubError(
                f"Port {port} is in use or not allowed here.\n"
                f"Pass another one: make up PORT={free}, or slipway up --port {free}"
            ) from error
        return int(probe.getsockname()[1])


def write_secrets(folder: Path) -> Path:
    """Generate each secret once, readable by this user alone."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    makers = {
        facts.COOKIE_SECRET: secrets.token_hex(32),
        facts.PROXY_TOKEN: secrets.token_hex(32),
        facts.USER_PASSWORD: secrets.token_urlsafe(12),
        facts.ADMIN_PASSWORD: secrets.token_urlsafe(32),
        facts.SMOKE_TOKEN: secrets.token_hex(32),
    }
    for name, value in makers.items():
        file = folder / name
        if not file.exists():
            files.write(file, value, mode=0o600)
    return folder


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        # All held at once, so that they differ.
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((ADDRESS, 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def _settings(
    environment: Environment, state: Path, images: LocalImages, path: str, url: str
) -> HubSettings:
    hub, api = (f"http://{ADDRESS}:{port}" for port in _free_ports(2))
    # Whoever works as root, as in many a container, has chosen to; Jupyter wants to be told.
    root = ("--allow-root",) if os.geteuid() == 0 else ()
    command = (sys.executable, "-m", "slipway_notebook.serve", *root)
    return hub_settings(
        environment,
        Addresses(
            public_url=url,
            proxy_bind_url=url,
            proxy_api_url=api,
            hub_bind_url=hub,
            hub_connect_url=hub,
        ),
        state=str(state / "hub"),
        secrets=str(state / "secrets"),
        spawning=LocalSpawning(
            kind="local",
            homes=str(state / "homes"),
            skel=str(SKEL),
            config=str(images.config),
            path=path,
            command=command,
            proxy_command=proxy_command(),
            python_path=images.python_path,
        ),
    )


def proxy_command() -> tuple[str, ...]:
    """configurable-http-proxy, as its image runs it: it refuses what it would cut wrongly."""
    proxy = INSTALLATION / "node_modules/configurable-http-proxy/bin/configurable-http-proxy"
    lengths = (INSTALLATION / "images/proxy/lengths.mjs").as_uri()
    return (str(node.node()), f"--import={lengths}", str(proxy))


def _wait_until_it_answers(hub: LocalHub) -> None:
    deadline = time.monotonic() + START_SECONDS
    # Not through the proxy that http_proxy may name: this is our own loopback.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < deadline:
        if hub.process.poll() is not None:
            raise LocalHubError(f"JupyterHub ended at once. {_last_lines(hub.log)}")
        try:
            with direct.open(f"{hub.url}hub/health", timeout=2):
                return
        except (OSError, http.client.HTTPException):
            time.sleep(0.1)
    raise LocalHubError(f"JupyterHub did not answer in {START_SECONDS} s. {_last_lines(hub.log)}")


def _last_lines(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()[-15:]
    return "\n".join([f"The end of {log}:", *lines])
