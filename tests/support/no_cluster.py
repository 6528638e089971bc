"""KubeSpawner without a cluster: it insists on a configuration, and is never asked for more."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

NO_CLUSTER = """
apiVersion: v1
kind: Config
current-context: none
contexts: [{name: none, context: {cluster: none, user: none}}]
clusters: [{name: none, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: none, user: {}}]
"""


@contextmanager
def no_cluster(folder: Path) -> Iterator[None]:
    """Written to `folder`. KUBECONFIG would do, if it were not read but once, at an import."""
    file = folder / "kubeconfig"
    file.write_text(NO_CLUSTER)
    where = "kubernetes_asyncio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION"
    with patch(where, str(file)):
        yield
