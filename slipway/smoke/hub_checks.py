"""Checks of the hub itself."""

from collections.abc import Collection
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from slipway_hub.services import CULLER_SCOPES

from slipway.model import Environment
from slipway.smoke.hub_api import describe
from slipway.smoke.report import Failure, NotApplicable, NotEnforced
from slipway.smoke.visitor import LOGIN


async def login_page(client: httpx.AsyncClient, environment: Environment) -> str:
    """The page, and for a login elsewhere the way there."""
    answer = await client.get(LOGIN)
    kind = environment.spec.auth.kind
    if environment.spec.auth.for_one_person:
        if answer.status_code != 200 or 'type="password"' not in answer.text:
            raise Failure(f"{describe(answer)}, without a form for a password")
        return "a form for user name and password"
    answer = await client.get("/hub/oauth_login")
    to = urlsplit(answer.headers.get("Location", ""))
    client_ids = parse_qs(to.query).get("client_id", [])
    expected = getattr(environment.spec.auth, "client_id", "")
    if not answer.is_redirect or client_ids != [expected]:
        raise Failure(f"{describe(answer)}, not a way to {kind} for the client {expected}")
    return f"leads to {to.hostname}"


async def release(hub: dict[str, Any], environment: Environment) -> str:
    """The hub runs what the environment's file and the catalog say, and not something else."""
    catalog = environment.catalog
    wanted: dict[str, Any] = {
        "release": environment.release_name,
        "routes": {path: catalog.route_target(path) for path in catalog.routes},
        "profiles": {slug: catalog.default_url(slug) for slug in catalog.profiles},
    }
    if environment.spec.has_cluster:
        wanted["images"] = {name: environment.image_reference(name) for name in catalog.images}
    differences = [
        difference(what, hub[what], value) for what, value in wanted.items() if hub[what] != value
    ]
    if differences:
        raise Failure("; ".join(differences) + ": deploy it, or start `slipway up` again")
    return f"{hub['release']}: {len(hub['profiles'])} profiles, {len(hub['routes'])} routes"


def difference(what: str, has: Any, wanted: Any) -> str:
    """In words: which one is missing, too many, or another."""
    if not isinstance(wanted, dict):
        return f"the hub runs {what} {has}, not {wanted}"
    lines = []
    for name in sorted(has.keys() | wanted.keys()):
        if has.get(name) != wanted.get(name):
            now, then = has.get(name, "nothing"), wanted.get(name, "nothing")
            lines.append(f"{name} is {now} in the hub and {then} in the files")
    return f"{what}: {', '.join(lines)}"


async def culler(hub: dict[str, Any]) -> str:
    """What the culler may do: see who is active, list servers and stop them."""
    if "culler" not in hub["services"]:
        raise NotApplicable("the hub has no culler")
    may, should = set(hub["services"]["culler"]), set(CULLER_SCOPES)
    if more := may - should:
        raise NotEnforced(f"the culler may do more than cull: {', '.join(sorted(more))}")
    if less := should - may:
        raise Failure(f"the culler cannot cull without {', '.join(sorted(less))}")
    return ", ".join(sorted(may))


async def own_rights(service: httpx.AsyncClient, users: Collection[str]) -> str:
    """The token of this run is for its own users alone."""
    listed = await service.get("/hub/api/users")
    if listed.status_code == 200:
        seen = {user["name"] for user in listed.json()}
        if others := seen - set(users):
            raise NotEnforced(f"it sees {len(others)} users who are not its own")
    for method, path in (("POST", "users/nobody-of-smoke"), ("GET", "proxy"), ("GET", "groups")):
        answer = await service.request(method, f"/hub/api/{path}")
        if answer.status_code not in (403, 404):
            raise NotEnforced(f"{method} /hub/api/{path} answered {answer.status_code}")
    return "refused everything about others"
