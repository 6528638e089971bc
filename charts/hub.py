"""The hub and everything that comes and goes with it."""

import cdk8s
from constructs import Construct

from charts import names
from charts.deployed_values import DeployedValues
from charts.hub_access import HubAccess
from charts.hub_server import HubServer
from charts.ingress import ClusterIngress, EksIngress
from charts.network_policy import NetworkPolicies
from charts.proxy import Proxy
from slipway.model import EksSpec, Environment


class HubChart(cdk8s.Chart):
    def __init__(
        self, scope: Construct, id: str, *, environment: Environment, deployed: DeployedValues
    ) -> None:
        spec = environment.cluster_spec
        super().__init__(
            scope,
            id,
            namespace=spec.namespace,
            labels=names.COMMON,
            disable_resource_name_hashes=True,
        )
        NetworkPolicies(self, "network-policies", deployed=deployed)
        HubAccess(self, "hub-access")
        HubServer(self, "hub", environment=environment, deployed=deployed)
        Proxy(self, "proxy", environment=environment, deployed=deployed)
        if isinstance(spec, EksSpec):
            EksIngress(self, "ingress", spec=spec)
        elif spec.domain:
            ClusterIngress(self, "ingress", spec=spec)
