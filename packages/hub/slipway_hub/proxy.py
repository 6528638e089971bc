"""JupyterHub's proxy class, with a check for a proxy that has restarted and lost its routes."""

from typing import Any

from jupyterhub.proxy import ConfigurableHTTPProxy
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.ioloop import PeriodicCallback

CHECK_EVERY = 1000
"""Milliseconds between two checks, each a request for one route that is always there."""
ANSWER_WITHIN = 2.0


class WatchedProxy(ConfigurableHTTPProxy):  # type: ignore[misc]
    """Restores lost routes within two seconds, not at JupyterHub's next regular check, and leaves
    it to the servers to say when they were last active."""

    _watch: PeriodicCallback | None = None

    async def get_all_routes(self, *arguments: Any, **options: Any) -> dict[str, Any]:
        """Without the time of the last use: the proxy counts the polls of an open page as use. The
        servers report their activity themselves."""
        routes: dict[str, Any] = await super().get_all_routes(*arguments, **options)
        for route in routes.values():
            route["data"].pop("last_activity", None)
        return routes

    async def check_routes(self, *arguments: Any, **options: Any) -> None:
        await super().check_routes(*arguments, **options)
        if self._watch is None:
            self._watch = PeriodicCallback(self._restore_lost_routes, CHECK_EVERY)
            self._watch.start()

    async def _restore_lost_routes(self) -> None:
        if await self._has_lost_routes():
            self.log.warning("The proxy has lost its routes: giving them back")
            await self.check_routes(self.app.users, self.app._service_map)

    async def _has_lost_routes(self) -> bool:
        """Whether the proxy answers, and does not know a route that it was given."""
        known = next(iter(self.extra_routes))
        request = HTTPRequest(
            f"{self.api_url}/api/routes{known.rstrip('/')}",
            headers={"Authorization": f"token {self.auth_token}"},
            request_timeout=ANSWER_WITHIN,
            connect_timeout=ANSWER_WITHIN,
        )
        try:
            await AsyncHTTPClient().fetch(request)
        except HTTPClientError as error:
            if error.code in (401, 403):
                self.log.error("The proxy refuses the hub's token: restart it with the same one")
            return bool(error.code == 404)
        except OSError:
            pass
        return False
