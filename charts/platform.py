"""What outlives the hub in a cluster: its namespace, its nodes and what users' files hang on."""

import cdk8s
from constructs import Construct

from charts.auto_mode import BlockStorageClass, LoadBalancerClass, NetworkPolicySwitch
from charts.deployed_values import Aws, DeployedValues
from charts.namespace import Namespace
from charts.node_class import CORE_NETWORK, USER_NETWORK, NodeClass
from charts.node_pools import CoreNodePool, UserNodePool
from charts.priorities import PriorityClasses
from charts.quota import Quotas
from charts.storage import ClusterHomes, EksHomes, HubDatabase
from slipway import facts
from slipway.model import EksSpec, Environment, KubernetesSpec
from slipway.model.storage import SharedHomes

CORE_DISK = "80Gi"
USER_DISK = "160Gi"
"""Of a node, for images and what servers write outside homes."""


class PlatformChart(cdk8s.Chart):
    def __init__(
        self, scope: Construct, id: str, *, environment: Environment, deployed: DeployedValues
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
        if isinstance(spec, EksSpec):
            if deployed.aws is None:
                raise ValueError("an environment on EKS needs the values of its AWS account")
            self._classes(spec, deployed.aws)
            self._nodes(spec, deployed.aws)
            self._storage_on_eks(spec, deployed.aws)
        else:
            self._storage(spec)

    def _classes(self, spec: EksSpec, aws: Aws) -> None:
        NetworkPolicySwitch(self, "network-policy")
        BlockStorageClass(self, "block-storage")
        LoadBalancerClass(self, "load-balancer", aws=aws, public=spec.domain is not None)

    def _nodes(self, spec: EksSpec, aws: Aws) -> None:
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

    def _storage_on_eks(self, spec: EksSpec, aws: Aws) -> None:
        EksHomes(self, "homes", namespace=spec.namespace, file_system=aws.file_system)
        HubDatabase(
            self,
            "hub-database",
            namespace=spec.namespace,
            size=spec.storage.hub_database,
            storage_class=facts.BLOCK_STORAGE_CLASS,
        )

    def _storage(self, spec: KubernetesSpec) -> None:
        storage = spec.storage
        if isinstance(storage.homes, SharedHomes):
            ClusterHomes(self, "homes", namespace=spec.namespace, homes=storage.homes)
        HubDatabase(
            self,
            "hub-database",
            namespace=spec.namespace,
            size=storage.hub_database,
            storage_class=storage.hub_database_class,
        )
