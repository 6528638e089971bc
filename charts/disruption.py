"""What may stop the one hub and the one proxy on purpose."""

from cdk8s_plus_33 import k8s
from constructs import Construct

from charts import names


class MayBeMoved(Construct):
    """Lets a node be drained.

    `minAvailable: 1` with one replica refuses every eviction: `kubectl drain` never ends, and EKS
    waits a day and then kills. A moved hub is back in seconds and interrupts no user. A moved proxy
    cuts websockets, but refusing only moves that from the night, when nodes are renewed, to the
    next day. A broken pod may always go.
    """

    def __init__(self, scope: Construct, id: str, *, component: str) -> None:
        super().__init__(scope, id)
        k8s.KubePodDisruptionBudget(
            self,
            "budget",
            metadata=k8s.ObjectMeta(name=component),
            spec=k8s.PodDisruptionBudgetSpec(
                max_unavailable=k8s.IntOrString.from_number(1),
                unhealthy_pod_eviction_policy="AlwaysAllow",
                selector=k8s.LabelSelector(match_labels=names.component(component)),
            ),
        )
