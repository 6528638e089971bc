"""Pods that only sleep: image pullers and placeholders."""

from cdk8s_plus_33 import k8s

from charts import placement, security
from charts.priorities import Priority
from slipway import facts
from slipway.model import ClusterSpec

SLEEP = ["/bin/sh", "-c", "trap exit TERM; sleep infinity & wait"]
"""With a trap, because process 1 ignores SIGTERM without one."""


def idle_pod(
    spec: ClusterSpec,
    pool: str,
    *,
    priority: Priority,
    containers: list[k8s.Container],
    affinity: k8s.Affinity | None = None,
    before_ready: bool = False,
) -> k8s.PodSpec:
    """A pod on the nodes of `pool`, evicted without a grace period.

    `before_ready`: also on a new node that still waits for its storage.
    """
    nodes = spec.nodes[pool]
    tolerations = [*nodes.pod_tolerations(), *(nodes.startup_tolerations() if before_ready else ())]
    return k8s.PodSpec(
        automount_service_account_token=False,
        enable_service_links=False,
        priority_class_name=facts.priority_class_name(spec.namespace, priority.name),
        termination_grace_period_seconds=0,
        node_selector=nodes.node_selector(pool) or None,
        tolerations=[placement.toleration(t) for t in tolerations] or None,
        affinity=affinity,
        image_pull_secrets=placement.pull_secrets(spec),
        security_context=security.pod_security(facts.NOBODY_ID),
        containers=containers,
    )


def idle_container(
    name: str, image: str, pull_policy: str, resources: k8s.ResourceRequirements
) -> k8s.Container:
    return k8s.Container(
        name=name,
        image=image,
        image_pull_policy=pull_policy,
        command=SLEEP,
        security_context=security.container_security(),
        resources=resources,
    )
