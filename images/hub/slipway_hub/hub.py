"""Addresses, database, secrets and limits of the hub itself."""

from pathlib import Path
from typing import Any

from slipway_hub.settings import HubSettings, LocalSpawning


def configure(c: Any, settings: HubSettings) -> None:
    addresses = settings.addresses
    local = isinstance(settings.spawning, LocalSpawning)

    c.JupyterHub.bind_url = addresses.proxy_bind_url
    c.JupyterHub.hub_bind_url = addresses.hub_bind_url
    c.JupyterHub.hub_connect_url = addresses.hub_connect_url
    c.ConfigurableHTTPProxy.api_url = addresses.proxy_api_url
    c.ConfigurableHTTPProxy.auth_token = settings.secret("proxy_auth_token")
    c.JupyterHub.cookie_secret = settings.secret("cookie_secret")
    c.JupyterHub.db_url = f"sqlite:///{Path(settings.state) / 'jupyterhub.sqlite'}"

    # On a laptop the hub owns everything it started; in a pod all of it outlives the hub.
    c.ConfigurableHTTPProxy.should_start = local
    c.JupyterHub.cleanup_servers = local
    c.JupyterHub.cleanup_proxy = local

    # A proxy that restarts has forgotten its routes until the hub looks at it again, which it
    # does at this interval (seconds).
    c.JupyterHub.last_activity_interval = 10
    c.JupyterHub.concurrent_spawn_limit = settings.concurrent_spawns
