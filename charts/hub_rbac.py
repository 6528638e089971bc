"""The hub's ServiceAccount and Role: it may run users' pods in its own namespace."""

from cdk8s_plus_33 import k8s
from constructs import Construct

from slipway import facts


class HubRbac(Construct):
    """Only the verbs that the hub uses: no Secrets or Services (KubeSpawner needs them for internal
    TLS only), no change of a pod, no deletion of a claim. `creates_claims`: for homes per user."""

    def __init__(self, scope: Construct, id: str, *, creates_claims: bool) -> None:
        super().__init__(scope, id)
        k8s.KubeServiceAccount(
            self,
            "account",
            metadata=k8s.ObjectMeta(name=facts.HUB),
            automount_service_account_token=False,
        )
        claims = [_rule("persistentvolumeclaims", "get", "create")] if creates_claims else []
        k8s.KubeRole(
            self,
            "role",
            metadata=k8s.ObjectMeta(name=facts.HUB),
            rules=[
                _rule("pods", "get", "list", "watch", "create", "delete"),
                # To show users the last lines of a container that failed.
                _rule("pods/log", "get"),
                _rule("events", "get", "list", "watch"),
                *claims,
            ],
        )
        k8s.KubeRoleBinding(
            self,
            "binding",
            metadata=k8s.ObjectMeta(name=facts.HUB),
            role_ref=k8s.RoleRef(
                api_group="rbac.authorization.k8s.io", kind="Role", name=facts.HUB
            ),
            subjects=[k8s.Subject(kind="ServiceAccount", name=facts.HUB)],
        )


def _rule(resource: str, *verbs: str) -> k8s.PolicyRule:
    return k8s.PolicyRule(api_groups=[""], resources=[resource], verbs=list(verbs))
