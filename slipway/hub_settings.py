"""From an environment to the hub's settings: the only writer of `slipway_hub.settings`."""

from slipway_hub.settings import (
    Addresses,
    CullingSettings,
    HubSettings,
    KubernetesSpawning,
    LocalSpawning,
    NodePoolSettings,
    PerUserHomes,
    ProfileSettings,
    RouteSettings,
    SharedHomes,
)

from slipway.model import EksSpec, Environment, KubernetesSpec
from slipway.model.auth import USER_NAME
from slipway.model.nodes import EksNodePool, NodePool
from slipway.model.quantities import memory_bytes, seconds
from slipway.model.references import SERVER_SUFFIX
from slipway.model.storage import ExistingHomes
from slipway.model.storage import PerUserHomes as PerUser

STATE_FOLDER = "/srv/jupyterhub"
SECRETS_FOLDER = "/run/secrets/slipway"
HOMES_FOLDER = "/srv/homes"
"""Where the hub mounts homes that are folders of one volume."""
HOME_CLAIM = "homes"

DEDICATED = {
    "key": "hub.jupyter.org/dedicated",
    "operator": "Equal",
    "value": "user",
    "effect": "NoSchedule",
}
"""What a pod tolerates to run among users' servers on EKS: the taint that z2jh's users know."""

SETTINGS_LIMIT = 100_000
"""Bytes. A deploy carries the settings in one object, whose way through AWS Lambda ends at 256 kB
with the object sent twice: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""


def settings_json(settings: HubSettings) -> str:
    """Compact, without what is the default anyway, the same for the same settings.

    Raises ValueError when it would not fit into a deploy.
    """
    text = settings.model_dump_json(exclude_defaults=True)
    if len(text.encode()) > SETTINGS_LIMIT:
        raise ValueError(
            f"the hub's settings are {len(text.encode()):,} bytes, and {SETTINGS_LIMIT:,} is the "
            f"most a deploy can carry: shorten titles, descriptions and environments of the "
            f"{len(settings.profiles)} profiles, or have fewer"
        )
    return text


def kubernetes_settings(environment: Environment) -> HubSettings:
    """Settings for a hub in a pod. Raises ValueError for a local environment."""
    spec = environment.cluster_spec
    return _settings(
        environment,
        images={name: environment.image_reference(name) for name in environment.catalog.images},
        addresses=Addresses(
            public_url=f"https://{spec.domain}/" if spec.domain else "",
            proxy_bind_url="http://:8000",
            proxy_api_url="http://proxy-api:8001",
            hub_bind_url="http://0.0.0.0:8081",
            hub_connect_url="http://hub:8081",
        ),
        state=STATE_FOLDER,
        secrets=SECRETS_FOLDER,
        spawning=KubernetesSpawning(
            kind="kubernetes",
            namespace=spec.namespace,
            homes=_homes(spec),
            nodes={name: node_pool(name, pool) for name, pool in spec.nodes.items()},
            # Nodes that nobody uses go away on EKS; elsewhere, servers spread for speed.
            pack=isinstance(spec, EksSpec),
            image_pull_secret=None if isinstance(spec, EksSpec) else spec.image_pull_secret,
            start_timeout=seconds(spec.start_timeout),
        ),
        max_servers=spec.max_servers,
        snapshots_every=seconds(spec.storage.snapshots_every),
    )


def node_pool(name: str, pool: NodePool | EksNodePool) -> NodePoolSettings:
    """How a pod gets onto the nodes of a pool."""
    if isinstance(pool, EksNodePool):
        return NodePoolSettings(selector={"karpenter.sh/nodepool": name}, tolerations=(DEDICATED,))
    return NodePoolSettings(
        selector=pool.selector,
        tolerations=tuple(
            toleration.model_dump(exclude_none=True)
            | {"operator": "Exists" if toleration.value is None else "Equal"}
            for toleration in pool.tolerations
        ),
    )


def _homes(spec: KubernetesSpec | EksSpec) -> SharedHomes | PerUserHomes:
    if isinstance(spec, EksSpec):
        return SharedHomes(kind="shared", claim=HOME_CLAIM, folder=HOMES_FOLDER, one_node=False)
    homes = spec.storage.homes
    if isinstance(homes, PerUser):
        return PerUserHomes(kind="per-user", size=homes.size, storage_class=homes.storage_class)
    return SharedHomes(
        kind="shared",
        claim=homes.claim if isinstance(homes, ExistingHomes) else HOME_CLAIM,
        folder=HOMES_FOLDER,
        one_node=homes.access_mode == "ReadWriteOnce",
    )


def local_settings(
    environment: Environment,
    addresses: Addresses,
    state: str,
    secrets: str,
    spawning: LocalSpawning,
) -> HubSettings:
    """Settings for a hub on this machine."""
    images = {name: name for name in environment.catalog.images}
    return _settings(environment, images, addresses, state, secrets, spawning)


def _settings(
    environment: Environment,
    images: dict[str, str],
    addresses: Addresses,
    state: str,
    secrets: str,
    spawning: LocalSpawning | KubernetesSpawning,
    max_servers: int = 0,
    snapshots_every: int = 0,
) -> HubSettings:
    spec = environment.spec
    culling = spec.culling
    return HubSettings(
        profiles=tuple(
            _profile(environment, slug, images) for slug in environment.catalog.profiles
        ),
        default_profile=environment.catalog.default_profile,
        routes=tuple(_route(environment, path) for path in environment.catalog.routes),
        username_pattern=f"^{USER_NAME}$",
        auth=spec.auth.model_dump(mode="json"),
        culling=CullingSettings(
            idle=seconds(culling.idle),
            every=seconds(culling.every),
            max_age=seconds(culling.max_age) if culling.max_age else 0,
        ),
        concurrent_spawns=spec.concurrent_spawns,
        addresses=addresses,
        state=state,
        secrets=secrets,
        spawning=spawning,
        max_servers=max_servers,
        snapshots_every=snapshots_every,
        extra_config=spec.extra_config,
    )


def _profile(environment: Environment, slug: str, images: dict[str, str]) -> ProfileSettings:
    profile = environment.catalog.profiles[slug]
    cpu, memory = profile.resources.cpu, profile.resources.memory
    return ProfileSettings(
        slug=slug,
        title=profile.title,
        description=profile.description or "",
        server=f"{slug}{SERVER_SUFFIX}",
        image=images[profile.image],
        default_url=environment.catalog.default_url(slug),
        groups=profile.groups,
        environment=profile.environment,
        cpu_guarantee=cpu.guarantee,
        cpu_limit=cpu.limit,
        memory_guarantee=memory_bytes(memory.guarantee) if memory.guarantee else None,
        memory_limit=memory_bytes(memory.limit) if memory.limit else None,
        gpu=profile.resources.gpu,
        shared_memory=memory_bytes(profile.resources.shared_memory),
        read_only_root=environment.catalog.images[profile.image].read_only_root,
        nodes=profile.nodes,
    )


def _route(environment: Environment, path: str) -> RouteSettings:
    route = environment.catalog.routes[path]
    app = environment.catalog.apps[route.app]
    return RouteSettings(
        path=path, profile=route.profile, target=app.url_path(route.app), title=app.label
    )
