"""The chart `hub`: the hub, its proxy, and what is deployed and removed with them."""

import cdk8s
from constructs import Construct

from charts import placeholders
from charts.aws_values import AwsValues
from charts.hub_deployment import HubDeployment
from charts.hub_rbac import HubRbac
from charts.image_puller import ImagePuller
from charts.ingress import ClusterIngress, EksIngress
from charts.network_policies import NetworkPolicies
from charts.placeholders import Placeholders
from charts.proxy import Proxy
from slipway import facts
from slipway.model import Environment


class HubChart(cdk8s.Chart):
    def __init__(
        self, scope: Construct, id: str, *, environment: Environment, aws: AwsValues | None
    ) -> None:
        spec = environment.cluster_spec
        super().__init__(
            scope,
            id,
            namespace=spec.namespace,
            labels=facts.COMMON_LABELS,
            disable_resource_name_hashes=True,
        )
        NetworkPolicies(self, "network-policies", spec=spec, aws=aws)
        HubRbac(self, "hub-access", creates_claims=spec.storage.homes.claim_name is None)
        HubDeployment(self, "hub", environment=environment, aws=aws)
        Proxy(self, "proxy", environment=environment, aws=aws)
        if aws:
            EksIngress(self, "ingress", spec=spec)
        elif spec.domain:
            ClusterIngress(self, "ingress", spec=spec, domain=spec.domain)
        self._idle_pods(environment)

    def _idle_pods(self, environment: Environment) -> None:
        for name, pool in environment.cluster_spec.nodes.items():
            profile = placeholders.profile_of(environment, name)
            if profile is None:
                continue
            ImagePuller(self, f"image-puller-{name}", environment=environment, pool=name)
            if pool.placeholders:
                Placeholders(
                    self,
                    f"placeholders-{name}",
                    environment=environment,
                    pool=name,
                    profile=profile,
                    replicas=pool.placeholders,
                )
