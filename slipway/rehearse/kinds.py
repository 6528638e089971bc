"""The kinds of objects that the emulated Kubernetes API serves."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    api: str
    """`v1` or `apps/v1`."""
    name: str
    namespaced: bool

    @property
    def group(self) -> str:
        return self.api.rpartition("/")[0]

    @property
    def version(self) -> str:
        return self.api.rpartition("/")[2]

    @property
    def folder(self) -> str:
        """Where its objects are: `/api/v1` or `/apis/apps/v1`."""
        return f"/apis/{self.api}" if self.group else f"/api/{self.api}"

    @property
    def plural(self) -> str:
        name = self.name.lower()
        if name.endswith("params"):
            return name
        if name.endswith("y"):
            return f"{name[:-1]}ies"
        return f"{name}es" if name.endswith("s") else f"{name}s"

    @property
    def is_custom(self) -> bool:
        """Whether the schema of Kubernetes itself lacks it."""
        return self.group in ("karpenter.sh", "eks.amazonaws.com")


NAMESPACED = {
    "v1": "ConfigMap LimitRange PersistentVolumeClaim Pod ResourceQuota Secret ServiceAccount "
    "Service",
    "apps/v1": "DaemonSet Deployment ReplicaSet StatefulSet",
    "batch/v1": "CronJob Job",
    "networking.k8s.io/v1": "Ingress NetworkPolicy",
    "policy/v1": "PodDisruptionBudget",
    "rbac.authorization.k8s.io/v1": "Role RoleBinding",
}
OF_CLUSTER = {
    "v1": "Namespace Node PersistentVolume",
    "networking.k8s.io/v1": "IngressClass",
    "rbac.authorization.k8s.io/v1": "ClusterRole ClusterRoleBinding",
    "scheduling.k8s.io/v1": "PriorityClass",
    "storage.k8s.io/v1": "StorageClass",
    "karpenter.sh/v1": "NodePool",
    "eks.amazonaws.com/v1": "IngressClassParams NodeClass",
}
KINDS = [
    Kind(api, name, namespaced)
    for kinds, namespaced in ((NAMESPACED, True), (OF_CLUSTER, False))
    for api, names in kinds.items()
    for name in names.split()
]
