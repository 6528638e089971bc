"""NetworkPolicies: which pods may connect to which, and to what outside the cluster."""

from collections.abc import Sequence
from ipaddress import ip_network

from cdk8s_plus_33 import k8s
from constructs import Construct

from charts.aws_values import AwsValues
from charts.special_purpose_addresses import NOT_THE_INTERNET
from charts.values import port
from slipway import facts
from slipway.model import ClusterSpec

HTTPS = 443
EVERYWHERE = (*NOT_THE_INTERNET,)

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


def pods(component: str) -> k8s.NetworkPolicyPeer:
    selector = k8s.LabelSelector(match_labels=facts.component_labels(component))
    return k8s.NetworkPolicyPeer(pod_selector=selector)


def namespace(name: str) -> k8s.NetworkPolicyPeer:
    """Every pod of another namespace."""
    selector = k8s.LabelSelector(match_labels={"kubernetes.io/metadata.name": name})
    return k8s.NetworkPolicyPeer(namespace_selector=selector)


def addresses(*ranges: str) -> list[k8s.NetworkPolicyPeer]:
    return [k8s.NetworkPolicyPeer(ip_block=k8s.IpBlock(cidr=range)) for range in ranges]


def internet(inside: Sequence[str]) -> list[k8s.NetworkPolicyPeer]:
    """Everything but special-purpose ranges and those `inside`."""
    return [
        k8s.NetworkPolicyPeer(
            ip_block=k8s.IpBlock(cidr=everything, except_=[*special, *_others(inside, special)])
        )
        for everything, special in NOT_THE_INTERNET.items()
    ]


def _others(inside: Sequence[str], special: Sequence[str]) -> list[str]:
    """Those of `inside` in the same address family that no special-purpose range contains."""
    known = [ip_network(range) for range in special]
    return [
        range
        for range in inside
        if ip_network(range).version == known[0].version
        and not any(ip_network(range).subnet_of(one) for one in known)  # type: ignore[arg-type]
    ]


def allow_from(peers: Sequence[k8s.NetworkPolicyPeer], *ports: int) -> k8s.NetworkPolicyIngressRule:
    """From `peers` to TCP `ports`; from everywhere when there are no peers."""
    return k8s.NetworkPolicyIngressRule(
        from_=peers or None, ports=[tcp(number) for number in ports]
    )


def allow_to(peers: Sequence[k8s.NetworkPolicyPeer], *ports: int) -> k8s.NetworkPolicyEgressRule:
    """To `peers` at TCP `ports`, or at all ports and protocols when there are none."""
    return k8s.NetworkPolicyEgressRule(to=peers, ports=[tcp(number) for number in ports] or None)


def allow_to_dns(ranges: Sequence[str]) -> k8s.NetworkPolicyEgressRule:
    """At `ranges`, or where it runs as pods."""
    return k8s.NetworkPolicyEgressRule(
        to=addresses(*ranges) or [namespace("kube-system")],
        ports=[_port(53, "UDP"), tcp(53)],
    )


def tcp(number: int) -> k8s.NetworkPolicyPort:
    return _port(number, "TCP")


def _port(number: int, protocol: str) -> k8s.NetworkPolicyPort:
    return k8s.NetworkPolicyPort(port=port(number), protocol=protocol)
