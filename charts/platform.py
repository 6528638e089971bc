"""The chart `platform`: namespace, nodes and volumes, which outlive the hub."""

import cdk8s
from constructs import Construct

from charts.auto_mode import BlockStorageClass, LoadBalancerClass, NetworkPolicySwitch
from charts.aws_values import AwsValues
from charts.namespace import Namespace
from charts.node_class import CORE_NETWORK, USER_NETWORK, NodeClass
from charts.node_pools import CoreNodePool, UserNodePool
from charts.priorities import PriorityClasses
from charts.quota import Quotas
from charts.storage import HomeVolumes, HubDatabase
from slipway import facts
from slipway.model import EksSpec, Environment

CORE_DISK = "80Gi"
USER_DISK = "160Gi"
"""Of a node, for images and what servers write outside homes."""


class PlatformChart(cdk8s.Chart):
    def __init__(
        self, scope: Construct, id: str, *, environment: Environment, aws: AwsValues | None
    ) -> None:
        super().__init__(scope, id, labels=facts.COMMON_LABELS, disable_resource_name_hashes=True)
        spec = environment.cluster_spec
        Namespace(
            self,
            "namespace",
            name=spec.namespace,
            kubernetes=environment.versions.kubernetes,
        )
        PriorityClasses(self, "priorities", namespace=spec.namespace)
        Quotas(self, "quotas", spec=spec)
        if aws:
            self._auto_mode(public=spec.domain is not None)
            self._nodes(environment.eks_spec, aws)
        storage = spec.storage
        HomeVolumes(self, "homes", namespace=spec.namespace, homes=storage.homes, aws=aws)
        HubDatabase(
            self,
            "database",
            namespace=spec.namespace,
            size=storage.hub_database,
            storage_class=storage.hub_database_class,
        )

    def _auto_mode(self, *, public: bool) -> None:
        NetworkPolicySwitch(self, "network-policy")
        BlockStorageClass(self, "block-storage")
        LoadBalancerClass(self, "load-balancer", public=public)

    def _nodes(self, spec: EksSpec, aws: AwsValues) -> None:
        core, users = facts.CORE_NODES, facts.USER_NODES
        NodeClass(
            self,
            "core-nodes",
            name=core,
            aws=aws,
            security_group=aws.security_group,
            network=CORE_NETWORK,
            disk=CORE_DISK,
        )
        NodeClass(
            self,
            "user-nodes",
            name=users,
            aws=aws,
            security_group=aws.user_security_group,
            network=USER_NETWORK,
            disk=USER_DISK,
        )
        CoreNodePool(self, "core-pool", zone=spec.zones[0])
        for name, pool in spec.nodes.items():
            UserNodePool(self, f"user-pool-{name}", name=name, pool=pool)
