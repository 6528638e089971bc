"""Probes from inside a user's server, with its user's rights: what they must not reach."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from slipway import facts
from slipway.smoke.kernels import Kernel
from slipway.smoke.report import Failure, NotEnforced
from slipway.smoke.targets import SmokeTarget
from slipway.smoke.visitor import Visitor

REFUSALS = (401, 403, 404)
PATIENCE = 30
"""Seconds after which a new pod's network policies must be in force."""
ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount/token"
ONE_MACHINE = "the servers of a local environment are processes of one trusted user"

Probes = dict[str, Callable[[], Awaitable[str]] | str]
"""By what is tried; each says what was seen, or raises NotEnforced. A word: why it is not tried."""


@dataclass(frozen=True)
class Neighbour:
    """Another user, whose server runs and, on a cluster, has something else that listens."""

    name: str
    host: str
    """Its pod's address."""
    url: str
    """Of the server, past the proxy."""
    port: int
    """Of the listener."""


async def neighbour(visitor: Visitor, running: Kernel, target: SmokeTarget) -> Neighbour:
    """Raises Failure if its own pod does not reach the listener: no wall could be seen there."""
    if target.local:
        (url,) = await running.call("reach", "variables('JUPYTERHUB_SERVICE_URL')")
        return Neighbour(visitor.name, "127.0.0.1", url, 0)
    port = int(await running.call("listener", "listen('0.0.0.0')"))
    host = str(await running.call("reach", "own_address()"))
    if (seen := await running.call("reach", f"connects({host!r}, {port})")) != "open":
        raise Failure(f"a listener at {host}:{port} is {seen} to its own pod")
    url = f"http://{host}:{facts.USER_SERVER_PORT}{visitor.prefix}/"
    return Neighbour(visitor.name, host, url, port)


async def probes(
    visitor: Visitor, running: Kernel, other: Neighbour, target: SmokeTarget
) -> Probes:
    wanted = ("JUPYTERHUB_API_URL", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT")
    hub_api, host, port = await running.call("reach", f"variables{wanted}")
    refused = {
        "the hub's list of users": f"{hub_api}/users",
        "another user at the hub": f"{hub_api}/users/{other.name}",
    }
    if target.local:
        refused |= {
            "another user's server, past the proxy": f"{other.url.rstrip('/')}/api/contents",
            "the proxy's API": f"{target.proxy_api_url}/api/routes",
        }
    hub = urlsplit(hub_api)
    known_open = (hub.hostname or "", hub.port or 80)
    found: Probes = {
        "another user's server, through the proxy": partial(_refuses_outside, visitor, other)
    }
    for name, url in refused.items():
        found[name] = partial(refuses, running, url, visitor.token)
    for name, wall in _walls(other, host, port).items():
        if target.local:
            found.setdefault(name, ONE_MACHINE)
        else:
            found[name] = partial(stands, running, wall, known_open)
    found["a token for the Kubernetes API"] = (
        ONE_MACHINE if target.local else partial(_lacks, running, ACCOUNT)
    )
    return found


def _walls(other: Neighbour, host: str, port: str) -> dict[str, tuple[str, int]]:
    """Addresses behind a wall; `host` and `port` are those of the Kubernetes API."""
    return {
        "another user's server, past the proxy": (other.host, facts.USER_SERVER_PORT),
        "another pod's port": (other.host, other.port),
        "the proxy's API": (facts.PROXY_API, facts.PROXY_API_PORT),
        "the proxy from inside": (facts.PROXY_PUBLIC, 80),
        "the metadata service": (facts.METADATA_ADDRESSES[0], 80),
        "the credentials of EKS Pod Identity": (
            facts.POD_IDENTITY_RANGES[0].partition("/")[0],
            facts.POD_IDENTITY_PORT,
        ),
        "the Kubernetes API": (host or "kubernetes.default.svc", int(port or 443)),
    }


async def refuses(running: Kernel, url: str, token: str) -> str:
    """Whoever answers at `url` refuses the user's token."""
    return _refused(url, await running.call("reach", f"answers({url!r}, {token!r})"))


async def stands(
    running: Kernel, wall: tuple[str, int], known_open: tuple[str, int], patience: int = PATIENCE
) -> str:
    """No connection comes about, while one that is allowed does."""
    where = f"{wall[0]}:{wall[1]}"
    seen = await running.call("reach", f"settles({wall[0]!r}, {wall[1]}, {patience})", 120)
    if seen == "open":
        raise NotEnforced(f"a connection to {where} came about")
    if seen != "closed":
        raise Failure(str(seen))
    control = await running.call("reach", f"connects({known_open[0]!r}, {known_open[1]})")
    if control != "open":
        raise Failure(f"the hub cannot be reached either ({control}): nothing was shown")
    return f"no connection to {where}"


async def _refuses_outside(visitor: Visitor, other: Neighbour) -> str:
    path = f"/user/{other.name}/api/contents"
    return _refused(path, (await visitor.client.get(path)).status_code)


async def _lacks(running: Kernel, path: str) -> str:
    if await running.call("reach", f"exists({path!r})"):
        raise NotEnforced(f"there is {path}")
    return f"no {path}"


def _refused(what: str, status: object) -> str:
    if status in REFUSALS:
        return f"refused with {status}"
    if isinstance(status, int) and status < 400:
        raise NotEnforced(f"{what} answered {status}")
    raise Failure(f"{what}: {status}")
