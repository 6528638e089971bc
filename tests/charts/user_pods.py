"""The pod that the hub's own configuration makes KubeSpawner start for a user."""

import asyncio
from pathlib import Path
from typing import Any

from traitlets.config import Config

from slipway.model import Environment
from slipway.settings.hub import kubernetes_settings
from tests.support.no_cluster import no_cluster


def user_pod(
    environment: Environment, profile: str, folder: Path, user: str = "ada"
) -> dict[str, Any]:
    return manifests(environment, profile, folder, user)[0]


def manifests(
    environment: Environment, profile: str, folder: Path, user: str = "ada"
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The user's pod and the claim that comes with it where homes are per user."""
    with no_cluster(folder):
        return asyncio.run(_manifests(environment, profile, user))


async def _manifests(
    environment: Environment, profile: str, user: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    from kubernetes_asyncio.client import ApiClient
    from slipway_hub import spawning
    from slipway_hub.pod_spawner import PodSpawner

    settings = kubernetes_settings(environment)
    config = Config()
    spawning.configure(config, settings)
    for section, traits in settings.extra_config.items():
        config[section].update(traits)
    spawner = PodSpawner(_mock=True, config=config)
    spawner.user.name = user
    # What KubeSpawner has worked out for the user it was made with.
    spawner.clear_state()
    spawner.pvc_name = spawner._expand_user_properties(spawner.pvc_name_template)
    chosen = settings.profile(profile)
    assert chosen is not None
    spawning.apply_profile(settings, spawner, chosen)
    pod = await spawner.get_pod_manifest()
    async with ApiClient() as client:
        return (
            client.sanitize_for_serialization(pod),
            client.sanitize_for_serialization(spawner.get_pvc_manifest()),
        )
