"""Programs that the hub runs beside itself, each with no more rights than it needs."""

import os
import sys
from typing import Any
from urllib.parse import urlsplit

from slipway_hub import smoke
from slipway_hub.settings import SNAPSHOTS, VARIABLE, HubSettings


def configure(c: Any, settings: HubSettings) -> None:
    services, roles = [_culler(settings)], [_role("culler", *CULLER_SCOPES)]
    if settings.snapshots_every and SNAPSHOTS in os.environ:
        services.append(_snapshots(settings))
    files = settings.secret_files
    if settings.has_secret(files.prometheus_token):
        token = settings.secret(files.prometheus_token)
        services.append({"name": "prometheus", "api_token": token})
        roles.append(_role("prometheus", "read:metrics"))
    if settings.has_secret(files.smoke_token):
        services.append({"name": smoke.SERVICE, "api_token": settings.secret(files.smoke_token)})
        roles.append(_role(smoke.SERVICE, *smoke.scopes(settings)))
    c.JupyterHub.services = services
    c.JupyterHub.load_roles = roles


CULLER_SCOPES = ("list:users", "read:users:activity", "read:servers", "delete:servers")


def _role(service: str, *scopes: str) -> dict[str, Any]:
    return {"name": service, "services": [service], "scopes": list(scopes)}


def _culler(settings: HubSettings) -> dict[str, Any]:
    culling = settings.culling
    return {
        "name": "culler",
        "command": [
            sys.executable,
            "-m",
            "slipway_hub.culler",
            # Not by the hub's name: it leads nowhere until the hub is known to be ready.
            f"--url=http://127.0.0.1:{urlsplit(settings.addresses.hub_bind_url).port}/hub/api",
            f"--timeout={culling.idle}",
            f"--cull-every={culling.every}",
            f"--max-age={culling.max_age}",
            "--concurrency=10",
        ],
    }


def _snapshots(settings: HubSettings) -> dict[str, Any]:
    """A process of its own: copying a large database must not hold up the hub."""
    command = [sys.executable, "-m", "slipway_hub.commands", "snapshot"]
    # Only what it needs: not the hub's whole environment.
    needed = (SNAPSHOTS, VARIABLE, "PATH")
    environment = {
        name: value for name, value in os.environ.items() if name in needed or "AWS_" in name
    }
    return {
        "name": "snapshots",
        "command": [*command, f"--every={settings.snapshots_every}"],
        "environment": environment,
    }
