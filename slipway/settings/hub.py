"""From an environment to the hub's settings: the only writer of `slipway_hub.settings`."""

from functools import cache

from slipway_hub.settings import (
    Addresses,
    CullingSettings,
    HubSettings,
    KubernetesSpawning,
    LocalSpawning,
    NodePoolSettings,
    ProfileSettings,
    RouteSettings,
    SecretFiles,
)

from slipway import facts
from slipway.model import Environment, InvalidProject
from slipway.model.apps import ICONS
from slipway.model.auth import USER_NAME
from slipway.model.catalog import Catalog
from slipway.model.culling import Culling
from slipway.model.quantities import memory_bytes, seconds
from slipway.model.references import SERVER_SUFFIX
from slipway.settings.server import IN_IMAGE

JUPYTERLAB = "jupyterlab"
"""The kind of app that a profile without one lands in."""

SECRET_FILES = SecretFiles(
    proxy_token=facts.PROXY_TOKEN,
    cookie_secret=facts.COOKIE_SECRET,
    smoke_token=facts.SMOKE_TOKEN,
    prometheus_token=facts.PROMETHEUS_TOKEN,
    oauth_client_secret=facts.OAUTH_CLIENT_SECRET,
    user_password=facts.USER_PASSWORD,
    admin_password=facts.ADMIN_PASSWORD,
)

SETTINGS_LIMIT = 100_000
"""Bytes. A deploy carries the settings in one object, whose way through AWS Lambda ends at 256 kB
with the object sent twice: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""


def settings_json(environment: Environment) -> str:
    """The settings of a hub in a pod: compact, without what is the default anyway.

    The same for the same environment. Raises InvalidProject when they would not fit into a deploy,
    ValueError for a local environment.
    """
    text = kubernetes_settings(environment).model_dump_json(exclude_defaults=True)
    size, profiles = len(text.encode()), environment.catalog.profiles
    if size > SETTINGS_LIMIT:
        release = environment.release
        raise InvalidProject.of_file(
            facts.release_file(release.version) if release else facts.CATALOG_FILE,
            "profiles",
            f"{len(profiles)} profiles make hub settings of {size:,} bytes; a deploy carries "
            f"{SETTINGS_LIMIT:,}",
            "shorten descriptions and environments, have fewer profiles or a smaller logo",
        )
    return text


def kubernetes_settings(environment: Environment) -> HubSettings:
    """Settings for a hub in a pod. Raises ValueError for a local environment."""
    spec = environment.cluster_spec
    return hub_settings(
        environment,
        addresses=Addresses(
            public_url=f"https://{spec.domain}/" if spec.domain else "",
            proxy_bind_url=f"http://:{facts.PROXY_PORT}",
            proxy_api_url=f"http://{facts.PROXY_API}:{facts.PROXY_API_PORT}",
            hub_bind_url=f"http://:{facts.HUB_PORT}",
            hub_connect_url=f"http://{facts.HUB}:{facts.HUB_PORT}",
        ),
        state=facts.HUB_STATE_FOLDER,
        secrets=facts.HUB_SECRETS_FOLDER,
        spawning=KubernetesSpawning(
            kind="kubernetes",
            namespace=spec.namespace,
            user_id=facts.USER_ID,
            python=IN_IMAGE.python,
            common_labels=facts.MANAGED_BY,
            server_labels=facts.component_labels(facts.USER_SERVER),
            hub_labels=facts.component_labels(facts.HUB),
            images={n: environment.image_reference(n) for n in environment.catalog.images},
            pull_policies={n: environment.pull_policy(n) for n in environment.catalog.images},
            homes=spec.storage.homes.for_hub(),
            nodes={
                name: NodePoolSettings(
                    selector=pool.node_selector(name), tolerations=pool.pod_tolerations()
                )
                for name, pool in spec.nodes.items()
            },
            pack=spec.packs_servers,
            image_pull_secret=spec.image_pull_secret,
            start_timeout=seconds(spec.start_timeout),
        ),
        max_servers=spec.max_servers,
        snapshots_every=seconds(spec.storage.snapshots_every),
        restore_database=spec.restore_database or "",
    )


def hub_settings(
    environment: Environment,
    addresses: Addresses,
    state: str,
    secrets: str,
    spawning: LocalSpawning | KubernetesSpawning,
    max_servers: int = 0,
    snapshots_every: int = 0,
    restore_database: str = "",
) -> HubSettings:
    """Settings for a hub on this machine, or with what only one in a pod has."""
    spec = environment.spec
    profiles = tuple(_profile(environment.catalog, slug) for slug in environment.catalog.profiles)
    routes = tuple(_route(environment.catalog, path) for path in environment.catalog.routes)
    icons = {profile.icon for profile in profiles} | {route.icon for route in routes}
    return HubSettings(
        release=environment.release_name,
        title=spec.title or "",
        logo=environment.logo,
        icons={name: _icon(name) for name in sorted(icons)},
        profiles=profiles,
        server_suffix=SERVER_SUFFIX,
        default_profile=environment.catalog.default_profile,
        routes=routes,
        username_pattern=rf"^{USER_NAME}\Z",
        auth=spec.auth.model_dump(mode="json"),
        culling=_culling(spec.culling),
        concurrent_spawns=spec.concurrent_spawns,
        addresses=addresses,
        state=state,
        secrets=secrets,
        secret_files=SECRET_FILES,
        spawning=spawning,
        max_servers=max_servers,
        snapshots_every=snapshots_every,
        restore_database=restore_database,
        extra_config=spec.extra_config,
    )


def _culling(culling: Culling) -> CullingSettings:
    max_age = seconds(culling.max_age) if culling.max_age else 0
    return CullingSettings(
        idle=seconds(culling.idle), every=seconds(culling.every), max_age=max_age
    )


def _profile(catalog: Catalog, slug: str) -> ProfileSettings:
    profile = catalog.profiles[slug]
    image = catalog.images[profile.image]
    cpu, memory = profile.resources.cpu, profile.resources.memory
    app = catalog.apps[profile.app] if profile.app else None
    return ProfileSettings(
        slug=slug,
        title=profile.title,
        description=profile.description or "",
        image=profile.image,
        default_url=catalog.default_url(slug),
        icon=app.kind if app else JUPYTERLAB,
        groups=profile.groups,
        environment=profile.environment,
        cpu_guarantee=cpu.guarantee,
        cpu_limit=cpu.limit,
        memory_guarantee=memory_bytes(memory.guarantee) if memory.guarantee else None,
        memory_limit=memory_bytes(memory.limit) if memory.limit else None,
        gpu=profile.resources.gpu,
        shared_memory=memory_bytes(profile.resources.shared_memory),
        home=image.home,
        read_only_root=image.read_only_root,
        nodes=profile.nodes,
    )


def _route(catalog: Catalog, path: str) -> RouteSettings:
    route = catalog.routes[path]
    app = catalog.apps[route.app]
    return RouteSettings(
        path=path,
        profile=route.profile,
        target=catalog.route_target(path),
        title=app.label,
        icon=app.kind,
    )


@cache
def _icon(name: str) -> str:
    """The SVG that JupyterLab's launcher shows: the hub's image has none of its own."""
    return (ICONS / f"{name}.svg").read_text().strip()
