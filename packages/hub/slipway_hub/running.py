"""API of `slipway smoke`: what this hub runs, and where its routes lead."""

from typing import Any

from jupyterhub import orm
from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.handlers.base import UserRedirectHandler
from jupyterhub.scopes import needs_scope

from slipway_hub import smoke
from slipway_hub.settings import HubSettings


def handlers(settings: HubSettings) -> list[Any]:
    return [
        (rf"/{smoke.RUNNING}", Running, {"hub_settings": settings}),
        (r"/user-redirect/(.*)?", UserRedirect),
    ]


class UserRedirect(UserRedirectHandler):  # type: ignore[misc]
    """JupyterHub's redirect to a user's server, for requests with an API token as well."""

    _accept_token_auth = True


class Running(APIHandler):  # type: ignore[misc]
    """The release, what it offers, and what each service may do, as the database has it."""

    def initialize(self, hub_settings: HubSettings) -> None:
        self.hub_settings = hub_settings

    @needs_scope("read:hub")  # type: ignore[untyped-decorator]
    def get(self) -> None:
        settings = self.hub_settings
        images = getattr(settings.spawning, "images", {})
        self.finish(
            {
                "release": settings.release,
                "images": images,
                "profiles": {p.slug: p.default_url for p in settings.profiles},
                "routes": {route.path: route.target for route in settings.routes},
                "services": {
                    service.name: sorted({s for role in service.roles for s in role.scopes})
                    for service in self.db.query(orm.Service)
                },
            }
        )
