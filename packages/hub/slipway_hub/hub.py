"""Addresses, database, secrets and limits of the hub itself."""

from pathlib import Path
from typing import Any

from slipway_hub import database, log, start_times
from slipway_hub.settings import HubSettings


def configure(c: Any, settings: HubSettings) -> None:
    addresses = settings.addresses
    local = settings.spawning.is_local

    c.JupyterHub.bind_url = addresses.proxy_bind_url
    c.JupyterHub.hub_bind_url = addresses.hub_bind_url
    c.JupyterHub.hub_connect_url = addresses.hub_connect_url
    c.ConfigurableHTTPProxy.api_url = addresses.proxy_api_url
    c.ConfigurableHTTPProxy.auth_token = settings.secret(settings.secret_files.proxy_token)
    c.JupyterHub.cookie_secret = settings.secret(settings.secret_files.cookie_secret)
    c.JupyterHub.db_url = f"sqlite:///{Path(settings.state) / database.FILE}"

    # Cookies stay behind when another website sends a form or embeds a page.
    c.JupyterHub.tornado_settings = {"cookie_options": {"samesite": "Lax"}}
    c.JupyterHub.logging_config = {"formatters": {"console": {"class": log.FORMATTER}}}
    if not local:
        start_times.configure()

    # On a laptop the hub owns everything it started; in a pod all of it outlives the hub.
    c.ConfigurableHTTPProxy.should_start = local
    c.JupyterHub.cleanup_servers = local
    c.JupyterHub.cleanup_proxy = local

    c.JupyterHub.proxy_class = "slipway_hub.proxy.WatchedProxy"
    # Seconds between two reads of all routes of the proxy. Each holds up the hub for four seconds
    # when a thousand servers run (benchmarks/results/hub.json), and `WatchedProxy` needs none.
    c.JupyterHub.last_activity_interval = 300
    c.JupyterHub.concurrent_spawn_limit = settings.concurrent_spawns
    c.JupyterHub.active_server_limit = settings.max_servers
