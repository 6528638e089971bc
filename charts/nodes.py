"""Nodes that EKS Auto Mode makes: what they are like, how many, and when it may remove them.

https://docs.aws.amazon.com/eks/latest/userguide/create-node-class.html
https://docs.aws.amazon.com/eks/latest/userguide/create-node-pool.html
https://karpenter.sh/docs/concepts/disruption/
"""

from collections.abc import Mapping, Sequence
from typing import Any

from constructs import Construct

from charts.aws_values import AwsValues
from charts.custom import EKS, KARPENTER, custom_object
from slipway import facts
from slipway.model.nodes import EFS_STARTUP_TAINT, USER_TAINT, EksNodePool
from slipway.model.quantities import memory_bytes

Requirement = dict[str, Any]
CORE_DISK = "80Gi"
USER_DISK = "160Gi"
"""Of a node, for images and what servers write outside homes."""

CORE_NETWORK = "DefaultAllow"
"""What holds for pods without a NetworkPolicy. Add-ons run on core nodes, most without one."""
USER_NETWORK = "DefaultDeny"
"""A server is closed until its policy is in force, and stays closed where it never is: Auto Mode's
agent is known to overlook pods without an owner, which is what KubeSpawner makes.
https://github.com/aws/aws-network-policy-agent/issues/327"""

NODE_PURPOSE = "hub.jupyter.org/node-purpose"
"""The z2jh chart's label."""

CORE_CPU_LIMIT = 16
"""vCPUs: two or three nodes of the hub, the proxy and add-ons, and their replacements."""

EXPIRE_AFTER = "480h"
GRACE = "24h"
"""Together 21 days, the most that Auto Mode lets a node live. A node that is replaced waits so long
for its users; who is still there is stopped at the hour at which the replacement began."""

WORKING_HOURS = {"schedule": "0 4 * * mon-fri", "duration": "16h"}
"""In UTC, the only zone there is: from the morning in Europe to the evening on the east coast of
America."""


class NodeClass(Construct):
    """In private subnets. Core nodes are in the cluster's own security group, for which the load
    balancer's controller needs no further rights."""

    def __init__(
        self, scope: Construct, id: str, *, name: str, aws: AwsValues, for_users: bool
    ) -> None:
        super().__init__(scope, id)
        security_group = aws.user_security_group if for_users else aws.security_group
        custom_object(
            self,
            "class",
            group=EKS,
            kind="NodeClass",
            name=name,
            spec={
                "role": aws.node_role,
                "subnetSelectorTerms": [{"id": subnet} for subnet in aws.subnets],
                "securityGroupSelectorTerms": [{"id": security_group}],
                "networkPolicy": USER_NETWORK if for_users else CORE_NETWORK,
                "ephemeralStorage": {"size": USER_DISK if for_users else CORE_DISK},
            },
        )


class CoreNodePool(Construct):
    """For the hub, its proxy and add-ons: on demand, in the one zone of the hub's volume."""

    def __init__(self, scope: Construct, id: str, *, zone: str) -> None:
        super().__init__(scope, id)
        requirements = [
            *_ordinary_instances(),
            _is("karpenter.sh/capacity-type", "on-demand"),
            _is("topology.kubernetes.io/zone", zone),
            _at_most("eks.amazonaws.com/instance-cpu", 4),
        ]
        # No taint: add-ons bring no toleration for one.
        template = _template(facts.CORE_NODES, "core", requirements, [])
        _node_pool(self, facts.CORE_NODES, template, CORE_CPU_LIMIT)


class UserNodePool(Construct):
    """For users' servers of one kind, and for nothing else."""

    def __init__(self, scope: Construct, id: str, *, name: str, pool: EksNodePool) -> None:
        super().__init__(scope, id)
        template = _template(facts.USER_NODES, "user", _instances(pool), [USER_TAINT])
        _node_pool(self, name, template, pool.max_cpu)


def _node_pool(scope: Construct, name: str, template: Mapping[str, Any], max_cpu: int) -> None:
    custom_object(
        scope,
        "pool",
        group=KARPENTER,
        kind="NodePool",
        name=name,
        spec={
            "template": template,
            "limits": {"cpu": str(max_cpu)},
            "disruption": _disruption(),
        },
    )


def _disruption() -> dict[str, Any]:
    """Only empty nodes are removed. WhenEmptyOrUnderutilized would stop the hub, cut every
    websocket at the proxy and end users' sessions to save part of a node:
    https://github.com/aws/karpenter-provider-aws/issues/6861

    The pods of hub and proxy do not block it (no do-not-disrupt): a node that waits for its grace
    period would lose them a day later, in working hours.
    """
    return {
        "consolidationPolicy": "WhenEmpty",
        "consolidateAfter": "10m",
        "budgets": [
            {"nodes": "100%", "reasons": ["Empty"]},
            {"nodes": "10%", "reasons": ["Drifted"]},
            # AWS renews its node image every week.
            {"nodes": "0", "reasons": ["Drifted"], **WORKING_HOURS},
        ],
    }


def _template(
    node_class: str,
    purpose: str,
    requirements: Sequence[Requirement],
    taints: Sequence[Mapping[str, str]],
) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "nodeClassRef": {"group": EKS, "kind": "NodeClass", "name": node_class},
        "requirements": list(requirements),
        "startupTaints": [EFS_STARTUP_TAINT],
        "expireAfter": EXPIRE_AFTER,
        "terminationGracePeriod": GRACE,
    }
    return {
        "metadata": {"labels": {NODE_PURPOSE: purpose}},
        "spec": spec | ({"taints": list(taints)} if taints else {}),
    }


def _instances(pool: EksNodePool) -> list[Requirement]:
    # Both with spot: where there is none to be had, a user would rather pay more than wait.
    capacity = ("spot", "on-demand") if pool.spot else ("on-demand",)
    return [
        *(_gpu_instances(pool) if pool.gpus else _ordinary_instances()),
        _is("karpenter.sh/capacity-type", *capacity),
        _at_most("eks.amazonaws.com/instance-cpu", pool.cpu),
        _at_most("eks.amazonaws.com/instance-memory", memory_bytes(pool.memory) // 2**20),
    ]


def _ordinary_instances() -> list[Requirement]:
    """Without the category, accelerated ones may be taken when others are short:
    https://docs.aws.amazon.com/eks/latest/userguide/auto-cost-control.html"""
    return [
        _is("kubernetes.io/arch", "amd64"),
        _is("eks.amazonaws.com/instance-category", "c", "m", "r"),
        {"key": "eks.amazonaws.com/instance-generation", "operator": "Gt", "values": ["4"]},
    ]


def _gpu_instances(pool: EksNodePool) -> list[Requirement]:
    named = [_is("eks.amazonaws.com/instance-gpu-name", *pool.gpu_names)] if pool.gpu_names else []
    return [
        _is("kubernetes.io/arch", "amd64"),
        _is("eks.amazonaws.com/instance-gpu-manufacturer", "nvidia"),
        _is("eks.amazonaws.com/instance-gpu-count", str(pool.gpus)),
        *named,
    ]


def _is(key: str, *values: str) -> Requirement:
    return {"key": key, "operator": "In", "values": list(values)}


def _at_most(key: str, value: int) -> Requirement:
    return {"key": key, "operator": "Lte", "values": [str(value)]}
