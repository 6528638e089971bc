"""Deployments, and what may interrupt those of the hub and its proxy."""

from collections.abc import Mapping

from cdk8s_plus_33 import k8s
from constructs import Construct

from slipway import facts


class Deployment(Construct):
    """Pods of one component, replaced all at once.

    `Recreate`, because two hubs must never share the database, the hub gives its routes to one
    proxy only, and a placeholder needs no successor before it is gone.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        labels: Mapping[str, str],
        pod: k8s.PodSpec,
        replicas: int = 1,
        version: str | None = None,
        annotations: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(scope, id)
        k8s.KubeDeployment(
            self,
            "deployment",
            metadata=k8s.ObjectMeta(
                name=name, labels={**labels, **({facts.VERSION_LABEL: version} if version else {})}
            ),
            spec=k8s.DeploymentSpec(
                replicas=replicas,
                strategy=k8s.DeploymentStrategy(type="Recreate"),
                revision_history_limit=3,
                selector=k8s.LabelSelector(match_labels=labels),
                template=k8s.PodTemplateSpec(
                    metadata=k8s.ObjectMeta(
                        labels={**facts.COMMON_LABELS, **labels}, annotations=annotations
                    ),
                    spec=pod,
                ),
            ),
        )


class PodDisruptionBudget(Construct):
    """Lets the one pod of a component be evicted, so that its node can be drained.

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
                selector=k8s.LabelSelector(match_labels=facts.component_labels(component)),
            ),
        )
