"""Priority classes: which pods are evicted for which when nodes are full."""

from dataclasses import dataclass

from cdk8s_plus_33 import k8s
from constructs import Construct

from slipway import facts


@dataclass(frozen=True)
class Priority:
    name: str
    value: int
    description: str
    preempts: bool = True


CORE = Priority("core", 100, "The hub and its proxy: before every user's server.")
PULLER = Priority("puller", -5, "Pulls images to nodes: gives way to users.")
PLACEHOLDER = Priority(
    "placeholder", -10, "Keeps places free: gives way to everything.", preempts=False
)
"""Not below -10, which cluster-autoscaler takes as not worth a node:
https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/FAQ.md"""


class PriorityClasses(Construct):
    """Users' servers have no class, which means 0: between the core's and the idle pods'."""

    def __init__(self, scope: Construct, id: str, *, namespace: str) -> None:
        super().__init__(scope, id)
        for priority in (CORE, PULLER, PLACEHOLDER):
            k8s.KubePriorityClass(
                self,
                priority.name,
                metadata=k8s.ObjectMeta(name=facts.priority_class_name(namespace, priority.name)),
                value=priority.value,
                description=priority.description,
                preemption_policy=None if priority.preempts else "Never",
            )
