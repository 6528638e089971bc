"""Who may talk to whom: the least that spawns, proxies and survives restarts."""

from collections.abc import Sequence

from cdk8s_plus_33 import k8s
from constructs import Construct

from charts import names
from charts.deployed_values import DeployedValues

API_SERVER_PORTS = (443, 6443)
NOT_INTERNET = ("10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")
"""Other pods, nodes and the instance metadata service; users' servers may not reach them."""


class NetworkPolicies(Construct):
    """One policy per component; the one for users' servers holds for all of them alike."""

    def __init__(self, scope: Construct, id: str, *, deployed: DeployedValues) -> None:
        super().__init__(scope, id)
        hub, proxy, users = _pods(names.HUB), _pods(names.PROXY), _pods(names.USER_SERVER)
        dns = _to_dns(deployed)
        self._policy(
            names.HUB,
            ingress=[_from([proxy, users], names.HUB_PORT)],
            egress=[
                _to([proxy], names.PROXY_API_PORT),
                _to([users], names.USER_SERVER_PORT),
                _to([_range(cidr) for cidr in deployed.api_server], *API_SERVER_PORTS),
                # Identity providers.
                _to([_internet()], 443),
                dns,
            ],
        )
        self._policy(
            names.PROXY,
            ingress=[_from(None, names.PROXY_PORT), _from([hub], names.PROXY_API_PORT)],
            egress=[_to([hub], names.HUB_PORT), _to([users], names.USER_SERVER_PORT), dns],
        )
        self._policy(
            names.USER_SERVER,
            ingress=[_from([hub, proxy], names.USER_SERVER_PORT)],
            egress=[_to([hub], names.HUB_PORT), _to([_internet()]), dns],
        )

    def _policy(
        self,
        component: str,
        *,
        ingress: Sequence[k8s.NetworkPolicyIngressRule],
        egress: Sequence[k8s.NetworkPolicyEgressRule],
    ) -> None:
        k8s.KubeNetworkPolicy(
            self,
            component,
            metadata=k8s.ObjectMeta(name=component),
            spec=k8s.NetworkPolicySpec(
                pod_selector=k8s.LabelSelector(match_labels=names.component(component)),
                policy_types=["Ingress", "Egress"],
                ingress=ingress,
                egress=egress,
            ),
        )


def _pods(component: str) -> k8s.NetworkPolicyPeer:
    selector = k8s.LabelSelector(match_labels=names.component(component))
    return k8s.NetworkPolicyPeer(pod_selector=selector)


def _range(cidr: str) -> k8s.NetworkPolicyPeer:
    return k8s.NetworkPolicyPeer(ip_block=k8s.IpBlock(cidr=cidr))


def _internet() -> k8s.NetworkPolicyPeer:
    return k8s.NetworkPolicyPeer(ip_block=k8s.IpBlock(cidr="0.0.0.0/0", except_=list(NOT_INTERNET)))


def _to_dns(deployed: DeployedValues) -> k8s.NetworkPolicyEgressRule:
    system = k8s.LabelSelector(match_labels={"kubernetes.io/metadata.name": "kube-system"})
    in_pods = k8s.NetworkPolicyPeer(namespace_selector=system)
    return k8s.NetworkPolicyEgressRule(
        to=[_range(cidr) for cidr in deployed.dns] or [in_pods],
        ports=[_port(53, "UDP"), _port(53)],
    )


def _from(peers: Sequence[k8s.NetworkPolicyPeer] | None, port: int) -> k8s.NetworkPolicyIngressRule:
    """From `peers`, or from everywhere when there are none."""
    return k8s.NetworkPolicyIngressRule(from_=peers, ports=[_port(port)])


def _to(peers: Sequence[k8s.NetworkPolicyPeer], *ports: int) -> k8s.NetworkPolicyEgressRule:
    """To `peers` at TCP `ports`, or at all ports and protocols when there are none."""
    return k8s.NetworkPolicyEgressRule(to=peers, ports=[_port(port) for port in ports] or None)


def _port(port: int, protocol: str = "TCP") -> k8s.NetworkPolicyPort:
    return k8s.NetworkPolicyPort(port=k8s.IntOrString.from_number(port), protocol=protocol)
