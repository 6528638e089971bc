"""Peers and rules of NetworkPolicies."""

from collections.abc import Sequence
from ipaddress import ip_network

from cdk8s_plus_33 import k8s

from charts.values import port
from slipway import facts

PRIVATE = {
    "0.0.0.0/0": (
        *("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16"),
        # The instance metadata service, and EKS Pod Identity's agent.
        "169.254.0.0/16",
        # Reserved, and used for pods and nodes by some clusters.
        *("198.18.0.0/15", "240.0.0.0/4"),
    ),
    # The first has the same two at fd00:ec2::254 and fd00:ec2::23; the last is all of the above
    # behind a NAT64.
    "::/0": ("fc00::/7", "fe80::/10", "64:ff9b::/96"),
}
"""Ranges that are not the internet, by the range of their whole address family."""


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
    """Everything but private ranges and those `inside`."""
    return [
        k8s.NetworkPolicyPeer(
            ip_block=k8s.IpBlock(cidr=everything, except_=[*private, *_others(inside, private)])
        )
        for everything, private in PRIVATE.items()
    ]


def _others(inside: Sequence[str], private: Sequence[str]) -> list[str]:
    """Those of `inside` in the same address family that no private range contains."""
    known = [ip_network(range) for range in private]
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
