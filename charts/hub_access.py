"""What the hub may do with the Kubernetes API: run users' pods in its own namespace."""

from cdk8s_plus_33 import k8s
from constructs import Construct

from charts import names


class HubAccess(Construct):
    """The verbs that KubeSpawner was seen to use; not the Secrets and Services of internal TLS."""

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        k8s.KubeServiceAccount(
            self,
            "account",
            metadata=k8s.ObjectMeta(name=names.HUB),
            automount_service_account_token=False,
        )
        k8s.KubeRole(
            self,
            "role",
            metadata=k8s.ObjectMeta(name=names.HUB),
            rules=[
                k8s.PolicyRule(
                    api_groups=[""],
                    resources=["pods", "persistentvolumeclaims"],
                    verbs=["get", "watch", "list", "create", "delete"],
                ),
                k8s.PolicyRule(
                    api_groups=["", "events.k8s.io"],
                    resources=["events"],
                    verbs=["get", "watch", "list"],
                ),
            ],
        )
        k8s.KubeRoleBinding(
            self,
            "binding",
            metadata=k8s.ObjectMeta(name=names.HUB),
            role_ref=k8s.RoleRef(
                api_group="rbac.authorization.k8s.io", kind="Role", name=names.HUB
            ),
            subjects=[k8s.Subject(kind="ServiceAccount", name=names.HUB)],
        )
