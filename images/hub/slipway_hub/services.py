"""Programs that the hub runs beside itself, each with no more rights than it needs."""

import os
import sys
from pathlib import Path
from typing import Any

from slipway_hub import database
from slipway_hub.settings import HubSettings

PROMETHEUS_TOKEN = "prometheus_token"  # noqa: S105 - the name of a secret's file
"""There if Prometheus scrapes the hub: the token that it sends."""


def configure(c: Any, settings: HubSettings) -> None:
    services, roles = [_culler(settings)], [_role("culler", *CULLER_SCOPES)]
    if settings.snapshots_every and database.PLACE in os.environ:
        services.append(_snapshots(settings))
    if (Path(settings.secrets) / PROMETHEUS_TOKEN).exists():
        services.append({"name": "prometheus", "api_token": settings.secret(PROMETHEUS_TOKEN)})
        roles.append(_role("prometheus", "read:metrics"))
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
    needed = (database.PLACE, "SLIPWAY_HUB_SETTINGS", "PATH")
    kept = {name: value for name, value in os.environ.items() if name in needed or "AWS_" in name}
    return {
        "name": "snapshots",
        "command": [*command, f"--every={settings.snapshots_every}"],
        "environment": kept,
    }
