"""The chart `platform`: namespace, nodes and volumes, which outlive the hub."""

import cdk8s
from constructs import Construct

from charts.auto_mode import AlbIngressClass, BlockStorageClass, NetworkPolicySwitch
from charts.aws_values import AwsValues
from charts.namespace import Namespace, Quotas
from charts.nodes import CoreNodePool, NodeClass, UserNodePool
from charts.priorities import PriorityClasses
from charts.storage import HomeVolumes, HubDatabase
from slipway import facts
from slipway.model import EksSpec, Environment


class PlatformChart(cdk8s.Chart):
    def __init__(
        self, scope: Construct, id: str, *, environment: Environment, aws: AwsValues | None
    ) -> None:
        super().__init__(scope, id, labels=facts.COMMON_LABELS, disable_resource_name_hashes=True)
        spec = environment.cluster_spec
        kubernetes = environment.versions.kubernetes
        Namespace(self, "namespace", name=spec.namespace, kubernetes=kubernetes)
        PriorityClasses(self, "priorities", namespace=spec.namespace)
        Quotas(self, "quotas", spec=spec)
        if aws:
            NetworkPolicySwitch(self, "network-policy")
            BlockStorageClass(self, "block-storage")
            AlbIngressClass(self, "load-balancer", public=spec.domain is not None)
            self._nodes(environment.eks_spec, aws)
        HomeVolumes(self, "homes", namespace=spec.namespace, storage=spec.storage, aws=aws)
        HubDatabase(self, "database", namespace=spec.namespace, storage=spec.storage)

    def _nodes(self, spec: EksSpec, aws: AwsValues) -> None:
        NodeClass(self, "core-nodes", name=facts.CORE_NODES, aws=aws, for_users=False)
        NodeClass(self, "user-nodes", name=facts.USER_NODES, aws=aws, for_users=True)
        CoreNodePool(self, "core-pool", zone=spec.zones[0])
        for name, pool in spec.nodes.items():
            UserNodePool(self, f"user-pool-{name}", name=name, pool=pool)
