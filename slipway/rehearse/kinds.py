"""The kinds of objects that the stand-in for the Kubernetes API knows."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    group: str
    version: str
    plural: str
    name: str
    namespaced: bool

    @property
    def api(self) -> str:
        """`v1` or `apps/v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def folder(self) -> str:
        """Where its objects are: `/api/v1` or `/apis/apps/v1`."""
        return f"/apis/{self.api}" if self.group else f"/api/{self.api}"

    @property
    def is_custom(self) -> bool:
        """Whether the schema of Kubernetes itself does not know it."""
        return self.group in ("karpenter.sh", "eks.amazonaws.com")


def _kinds(group: str, version: str, *, namespaced: bool, **names: str) -> list[Kind]:
    return [Kind(group, version, plural, name, namespaced) for plural, name in names.items()]


KINDS = [
    *_kinds(
        "",
        "v1",
        namespaced=True,
        configmaps="ConfigMap",
        limitranges="LimitRange",
        persistentvolumeclaims="PersistentVolumeClaim",
        pods="Pod",
        resourcequotas="ResourceQuota",
        secrets="Secret",
        serviceaccounts="ServiceAccount",
        services="Service",
    ),
    *_kinds(
        "",
        "v1",
        namespaced=False,
        namespaces="Namespace",
        nodes="Node",
        persistentvolumes="PersistentVolume",
    ),
    *_kinds(
        "apps",
        "v1",
        namespaced=True,
        daemonsets="DaemonSet",
        deployments="Deployment",
        replicasets="ReplicaSet",
        statefulsets="StatefulSet",
    ),
    *_kinds("batch", "v1", namespaced=True, jobs="Job", cronjobs="CronJob"),
    *_kinds("networking.k8s.io", "v1", namespaced=True, networkpolicies="NetworkPolicy"),
    *_kinds("networking.k8s.io", "v1", namespaced=True, ingresses="Ingress"),
    *_kinds("networking.k8s.io", "v1", namespaced=False, ingressclasses="IngressClass"),
    *_kinds("policy", "v1", namespaced=True, poddisruptionbudgets="PodDisruptionBudget"),
    *_kinds(
        "rbac.authorization.k8s.io",
        "v1",
        namespaced=True,
        rolebindings="RoleBinding",
        roles="Role",
    ),
    *_kinds(
        "rbac.authorization.k8s.io",
        "v1",
        namespaced=False,
        clusterrolebindings="ClusterRoleBinding",
        clusterroles="ClusterRole",
    ),
    *_kinds("scheduling.k8s.io", "v1", namespaced=False, priorityclasses="PriorityClass"),
    *_kinds("storage.k8s.io", "v1", namespaced=False, storageclasses="StorageClass"),
    *_kinds("karpenter.sh", "v1", namespaced=False, nodepools="NodePool"),
    *_kinds(
        "eks.amazonaws.com",
        "v1",
        namespaced=False,
        ingressclassparams="IngressClassParams",
        nodeclasses="NodeClass",
    ),
]

GROUPS = sorted({(kind.group, kind.version) for kind in KINDS})
