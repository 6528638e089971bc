"""JupyterHub's API of users, where a name is somebody's for good.

Homes, pods and tokens go by a user's name. Renamed, a user would have the tokens of one person and,
after the next login, the files of another; so nobody is renamed, not by administrators either.
Users of smoke runs are made by their service alone. Tornado has decoded the names that handlers
get: whatever the spelling of an address, the name is what is decided on.
"""

import json
from typing import Any

from jupyterhub import orm
from jupyterhub.apihandlers.users import UserAPIHandler, UserListAPIHandler
from tornado.web import HTTPError

from slipway_hub import smoke


class Users(UserListAPIHandler):  # type: ignore[misc]
    async def post(self) -> None:
        data = self.get_json_body()
        names = data.get("usernames") if isinstance(data, dict) else None
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise HTTPError(400, "`usernames` must be a list of names.")
        if any(map(smoke.is_reserved, names)):
            raise HTTPError(403, smoke.RESERVED)
        await super().post()


class User(UserAPIHandler):  # type: ignore[misc]
    async def post(self, user_name: str) -> None:
        if smoke.is_reserved(user_name) and not self._is_smoke_service():
            raise HTTPError(403, smoke.RESERVED)
        await super().post(user_name)

    async def patch(self, user_name: str) -> None:
        if smoke.is_reserved(user_name):
            raise HTTPError(403, "Users of smoke runs are not changed.")
        data = self.get_json_body()
        if isinstance(data, dict) and "name" in data:
            # JupyterHub's admin page sends the name that stays, too. JupyterHub would remove it.
            if data.pop("name") != user_name:
                raise HTTPError(403, "Users are not renamed: homes and tokens go by their names.")
            self.request.body = json.dumps(data).encode()
        await super().patch(user_name)

    def _is_smoke_service(self) -> bool:
        """Whose scopes name the users it may make."""
        asking = self.current_user
        return isinstance(asking, orm.Service) and asking.name == smoke.SERVICE


def handlers() -> list[Any]:
    return [(r"/api/users", Users), (r"/api/users/([^/]+)", User)]
