"""NetworkPolicies: which pods may connect to which, and to what outside the cluster."""

from collections.abc import Sequence

from cdk8s_plus_33 import k8s
from constructs import Construct

from charts.aws_values import AwsValues
from charts.network_peers import (
    addresses,
    allow_from,
    allow_to,
    allow_to_dns,
    internet,
    namespace,
    pods,
)
from slipway import facts
from slipway.model import ClusterSpec

HTTPS = 443
EVERYWHERE = ("0.0.0.0/0", "::/0")

Ingress = Sequence[k8s.NetworkPolicyIngressRule]
Egress = Sequence[k8s.NetworkPolicyEgressRule]


class NetworkPolicies(Construct):
    """One policy per component, with the least that it needs.

    All users' servers have the same one. EKS needs that: its agent takes pods whose names differ
    in their last part only for one.
    """

    def __init__(
        self, scope: Construct, id: str, *, spec: ClusterSpec, aws: AwsValues | None
    ) -> None:
        super().__init__(scope, id)
        self._network, self._aws = spec.cluster_network, aws
        monitoring = spec.monitoring_namespace
        self._scrapers = [namespace(monitoring)] if monitoring else []
        self._dns = allow_to_dns(self._network.dns)
        self._hub()
        self._proxy()
        self._users()
        for component in (facts.IMAGE_PULLER, facts.PLACEHOLDER):
            self._policy(component, ingress=[], egress=[])

    def _hub(self) -> None:
        clients = [pods(facts.PROXY), pods(facts.USER_SERVER), *self._scrapers]
        self._policy(
            facts.HUB,
            ingress=[allow_from(clients, facts.HUB_PORT)],
            egress=[
                allow_to([pods(facts.PROXY)], facts.PROXY_API_PORT),
                allow_to([pods(facts.USER_SERVER)], facts.USER_SERVER_PORT),
                allow_to(
                    addresses(*self._network.api_server or EVERYWHERE), *facts.API_SERVER_PORTS
                ),
                # Identity providers, and AWS where it is reached over the internet.
                allow_to(internet(self._network.inside), HTTPS),
                *self._to_aws(),
                self._dns,
            ],
        )

    def _proxy(self) -> None:
        aws = self._aws
        # Its init container fetches its token.
        secrets = [] if aws is None or aws.endpoints else internet(self._network.inside)
        scraped = [allow_from(self._scrapers, facts.PROXY_METRICS_PORT)] if self._scrapers else []
        self._policy(
            facts.PROXY,
            ingress=[
                allow_from([], facts.PROXY_PORT),
                allow_from([pods(facts.HUB)], facts.PROXY_API_PORT),
                *scraped,
            ],
            egress=[
                allow_to([pods(facts.HUB)], facts.HUB_PORT),
                allow_to([pods(facts.USER_SERVER)], facts.USER_SERVER_PORT),
                *([allow_to(secrets, HTTPS)] if secrets else []),
                *self._to_aws(),
                self._dns,
            ],
        )

    def _users(self) -> None:
        self._policy(
            facts.USER_SERVER,
            ingress=[allow_from([pods(facts.HUB), pods(facts.PROXY)], facts.USER_SERVER_PORT)],
            egress=[
                allow_to([pods(facts.HUB)], facts.HUB_PORT),
                allow_to(internet(self._network.inside)),
                self._dns,
            ],
        )

    def _to_aws(self) -> Egress:
        """To the Pod Identity agent, and to AWS's interface endpoints in the VPC."""
        aws = self._aws
        if aws is None:
            return []
        endpoints = [allow_to(addresses(aws.endpoints), HTTPS)] if aws.endpoints else []
        return [
            allow_to(addresses(*facts.POD_IDENTITY_RANGES), facts.POD_IDENTITY_PORT),
            *endpoints,
        ]

    def _policy(self, component: str, *, ingress: Ingress, egress: Egress) -> None:
        k8s.KubeNetworkPolicy(
            self,
            component,
            metadata=k8s.ObjectMeta(name=component),
            spec=k8s.NetworkPolicySpec(
                pod_selector=k8s.LabelSelector(match_labels=facts.component_labels(component)),
                policy_types=["Ingress", "Egress"],
                ingress=ingress or None,
                egress=egress or None,
            ),
        )
