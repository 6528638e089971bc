"""The namespace, and the rules that hold for every pod in it."""

from cdk8s_plus_33 import k8s
from constructs import Construct

POD_SECURITY = "restricted"


class Namespace(Construct):
    """Nothing that asks for more than Pod Security `restricted` starts in it.

    https://kubernetes.io/docs/concepts/security/pod-security-admission/
    """

    def __init__(self, scope: Construct, id: str, *, name: str, kubernetes: str) -> None:
        super().__init__(scope, id)
        labels = {
            "pod-security.kubernetes.io/enforce": POD_SECURITY,
            "pod-security.kubernetes.io/enforce-version": f"v{kubernetes}",
            "pod-security.kubernetes.io/warn": POD_SECURITY,
            "pod-security.kubernetes.io/audit": POD_SECURITY,
        }
        k8s.KubeNamespace(self, "namespace", metadata=k8s.ObjectMeta(name=name, labels=labels))
