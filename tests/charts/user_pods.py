"""The pod that the hub's own configuration makes KubeSpawner start for a user."""

import asyncio
import os
from pathlib import Path
from typing import Any
from unittest.mock import patch

from traitlets.config import Config

from slipway.hub_settings import kubernetes_settings
from slipway.model import Environment

# KubeSpawner insists on one; nothing is ever asked of it.
NO_CLUSTER = """
apiVersion: v1
kind: Config
current-context: none
contexts: [{name: none, context: {cluster: none, user: none}}]
clusters: [{name: none, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: none, user: {}}]
"""


def user_pod(environment: Environment, profile: str, folder: Path) -> dict[str, Any]:
    (folder / "kubeconfig").write_text(NO_CLUSTER)
    with patch.dict(os.environ, {"KUBECONFIG": str(folder / "kubeconfig")}):
        return asyncio.run(_manifest(environment, profile))


async def _manifest(environment: Environment, profile: str) -> dict[str, Any]:
    from kubernetes_asyncio.client import ApiClient
    from kubespawner import KubeSpawner
    from slipway_hub import spawning

    settings = kubernetes_settings(environment)
    config = Config()
    spawning.configure(config, settings)
    spawner = KubeSpawner(_mock=True, config=config)
    chosen = settings.profile(profile)
    assert chosen is not None
    spawning.apply_profile(settings, spawner, chosen)
    async with ApiClient() as client:
        return client.sanitize_for_serialization(await spawner.get_pod_manifest())
