"""A proxy that has lost its routes, as one does that was restarted."""

import asyncio
import json
from pathlib import Path

import httpx
from slipway_hub.proxy import WatchedProxy

from tests.support.local import Hub


def proxy_api(hub: Hub) -> httpx.Client:
    """As the hub speaks to its proxy: the address is in the settings, the token in its file."""
    settings = json.loads((hub.folder / ".slipway/hub/settings.json").read_text())
    token = (Path(settings["secrets"]) / "proxy_auth_token").read_text().strip()
    return httpx.Client(
        base_url=settings["addresses"]["proxy_api_url"],
        headers={"Authorization": f"token {token}"},
    )


def test_when_a_route_was_last_used_is_not_for_the_hub(hub: Hub):
    """A page that polls uses it. The server itself knows who works."""
    settings = json.loads((hub.folder / ".slipway/hub/settings.json").read_text())
    user = hub.user("polling")
    user.start("vscode")
    user.visit("/user/polling/api")
    with proxy_api(hub) as api:
        assert "last_activity" in api.get("/api/routes").json()["/user/polling"]
        token = api.headers["Authorization"].partition(" ")[2]

    async def routes() -> dict:
        proxy = WatchedProxy(api_url=settings["addresses"]["proxy_api_url"], auth_token=token)
        return await proxy.get_all_routes()

    route = asyncio.run(routes())["/user/polling/"]
    assert route["data"]["user"] == "polling"
    assert "last_activity" not in route["data"]


def test_lost_routes_are_given_back(hub: Hub):
    user = hub.user("routed")
    user.start("vscode")
    with proxy_api(hub) as api:
        routes = api.get("/api/routes").json()
        assert "/user/routed" in routes
        for route in routes:
            api.delete(f"/api/routes{route}")
        user.wait(lambda: api.get("/api/routes").json().keys() >= routes.keys(), seconds=60)
    assert user.visit("/user/routed/lab").status_code == 200
