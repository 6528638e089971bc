"""Stop servers that nobody uses."""

import sys
from typing import Any

from slipway_hub.settings import HubSettings


def configure(c: Any, settings: HubSettings) -> None:
    culling = settings.culling
    c.JupyterHub.services = [
        {
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
    ]
    c.JupyterHub.load_roles = [
        {
            "name": "culler",
            "services": ["culler"],
            "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        }
    ]


def main() -> None:
    """The idle culler, ending at once when the hub asks it to.

    On its own it outlives SIGINT and SIGTERM while a request is under way, and the hub waits.
    """
    import signal

    from jupyterhub_idle_culler import main as cull

    signal.signal(signal.SIGINT, signal.SIG_DFL)
    cull()


if __name__ == "__main__":
    main()
