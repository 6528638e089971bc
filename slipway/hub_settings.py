"""From an environment to the hub's settings: the only writer of `slipway_hub.settings`."""

from slipway_hub.settings import (
    Addresses,
    CullingSettings,
    HubSettings,
    KubernetesSpawning,
    LocalSpawning,
    ProfileSettings,
    RouteSettings,
)

from slipway.model import Environment
from slipway.model.auth import USER_NAME
from slipway.model.quantities import memory_bytes, seconds
from slipway.model.references import SERVER_SUFFIX

STATE_FOLDER = "/srv/jupyterhub"
SECRETS_FOLDER = "/run/secrets/slipway"
HOME_CLAIM = "homes"


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
        spawning=KubernetesSpawning(namespace=spec.namespace, home_claim=HOME_CLAIM),
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
    )


def _route(environment: Environment, path: str) -> RouteSettings:
    route = environment.catalog.routes[path]
    app = environment.catalog.apps[route.app]
    return RouteSettings(
        path=path, profile=route.profile, target=app.url_path(route.app), title=app.label
    )
