"""What outlives the hub in a cluster: its namespace and what users' files hang on."""

import cdk8s
from cdk8s_plus_33 import k8s
from constructs import Construct

from charts import names
from charts.auto_mode import AutoModeClasses, NetworkPolicySwitch
from charts.deployed_values import DeployedValues
from charts.storage import ClusterHomes, EksHomes, HubDatabase
from slipway.model import EksSpec, Environment, KubernetesSpec

POD_SECURITY = "restricted"


class PlatformChart(cdk8s.Chart):
    def __init__(
        self, scope: Construct, id: str, *, environment: Environment, deployed: DeployedValues
    ) -> None:
        super().__init__(scope, id, labels=names.COMMON, disable_resource_name_hashes=True)
        spec = environment.cluster_spec
        k8s.KubeNamespace(
            self,
            "namespace",
            metadata=k8s.ObjectMeta(name=spec.namespace, labels=_pod_security(environment)),
        )
        if isinstance(spec, EksSpec):
            self._on_eks(spec, deployed)
        else:
            self._on_any_cluster(spec)

    def _on_eks(self, spec: EksSpec, deployed: DeployedValues) -> None:
        if deployed.file_system is None:
            raise ValueError("an environment on EKS keeps homes on EFS: name its file system")
        NetworkPolicySwitch(self, "network-policy")
        AutoModeClasses(self, "auto-mode")
        EksHomes(self, "homes", namespace=spec.namespace, file_system=deployed.file_system)
        HubDatabase(
            self,
            "hub-database",
            namespace=spec.namespace,
            size=spec.storage.hub_database,
            storage_class=names.BLOCK_STORAGE_CLASS,
        )

    def _on_any_cluster(self, spec: KubernetesSpec) -> None:
        storage = spec.storage
        ClusterHomes(
            self,
            "homes",
            namespace=spec.namespace,
            size=storage.size,
            storage_class=storage.storage_class,
        )
        HubDatabase(
            self,
            "hub-database",
            namespace=spec.namespace,
            size=storage.hub_database,
            storage_class=None,
        )


def _pod_security(environment: Environment) -> dict[str, str]:
    """https://kubernetes.io/docs/concepts/security/pod-security-admission/"""
    return {
        "pod-security.kubernetes.io/enforce": POD_SECURITY,
        "pod-security.kubernetes.io/enforce-version": f"v{environment.versions.kubernetes}",
        "pod-security.kubernetes.io/warn": POD_SECURITY,
        "pod-security.kubernetes.io/audit": POD_SECURITY,
    }
