"""Who reaches whom: Services and NetworkPolicies meet the pods they mean."""

from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from slipway.hub_settings import kubernetes_settings
from slipway.model import Environment
from tests.charts.conftest import Object, of_kind, one
from tests.charts.user_pods import user_pod

Labels = dict[str, str]


def selects(selector: Labels, labels: Labels) -> bool:
    return bool(selector) and selector.items() <= labels.items()


@pytest.fixture(scope="module")
def pods(
    environment: Environment, objects: list[Object], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Labels]:
    """Labels by component."""
    user: Path = tmp_path_factory.mktemp("user")
    labels = {
        o["metadata"]["name"]: o["spec"]["template"]["metadata"]["labels"]
        for o in of_kind(objects, "Deployment")
    }
    return {**labels, "user": user_pod(environment, "vscode", user)["metadata"]["labels"]}


def policy_of(objects: list[Object], labels: Labels) -> dict[str, Any]:
    (policy,) = (
        o["spec"]
        for o in of_kind(objects, "NetworkPolicy")
        if selects(o["spec"]["podSelector"]["matchLabels"], labels)
    )
    return policy


def admits(rules: list[Object], side: str, other: Labels, port: int) -> bool:
    """Whether one of the rules lets a pod with labels `other` through at a TCP port."""
    for rule in rules:
        ports = [p["port"] for p in rule.get("ports", []) if p["protocol"] == "TCP"] or [port]
        peers = rule.get(side)
        if port in ports and (
            peers is None
            or any(
                "podSelector" in peer
                and "namespaceSelector" not in peer
                and selects(peer["podSelector"]["matchLabels"], other)
                for peer in peers
            )
        ):
            return True
    return False


def connects(
    objects: list[Object], pods: dict[str, Labels], source: str, target: str, port: int
) -> bool:
    out = policy_of(objects, pods[source])["egress"]
    into = policy_of(objects, pods[target])["ingress"]
    return admits(out, "to", pods[target], port) and admits(into, "from", pods[source], port)


def reaches_address(objects: list[Object], labels: Labels, address: str, port: int) -> bool:
    for rule in policy_of(objects, labels)["egress"]:
        ports = [p["port"] for p in rule.get("ports", [])] or [port]
        for peer in rule["to"]:
            block = peer.get("ipBlock")
            if block and port in ports and in_block(address, block):
                return True
    return False


def in_block(address: str, block: Object) -> bool:
    inside = ip_address(address) in ip_network(block["cidr"])
    return inside and not any(
        ip_address(address) in ip_network(cidr) for cidr in block.get("except", [])
    )


def test_every_pod_has_one_policy_for_both_directions(
    objects: list[Object], pods: dict[str, Labels]
) -> None:
    assert len(of_kind(objects, "NetworkPolicy")) == len(pods)
    for labels in pods.values():
        assert policy_of(objects, labels)["policyTypes"] == ["Ingress", "Egress"]


@pytest.mark.parametrize(
    ("source", "target", "port", "allowed"),
    [
        ("hub", "proxy", 8001, True),
        ("hub", "user", 8888, True),
        ("proxy", "hub", 8081, True),
        ("proxy", "user", 8888, True),
        ("user", "hub", 8081, True),
        ("user", "proxy", 8001, False),
        ("user", "proxy", 8000, False),
        ("user", "user", 8888, False),
        ("user", "hub", 22, False),
        ("proxy", "user", 22, False),
    ],
)
def test_pods_reach_what_they_need_and_nothing_else(
    objects: list[Object],
    pods: dict[str, Labels],
    source: str,
    target: str,
    port: int,
    allowed: bool,
) -> None:
    assert connects(objects, pods, source, target, port) is allowed


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("203.0.113.7", True),
        ("169.254.169.254", False),
        ("169.254.170.23", False),
        ("10.0.3.4", False),
        ("172.20.0.1", False),
        ("192.168.1.1", False),
    ],
)
def test_users_reach_the_internet_but_neither_metadata_nor_the_clusters_insides(
    objects: list[Object], pods: dict[str, Labels], address: str, allowed: bool
) -> None:
    assert reaches_address(objects, pods["user"], address, 443) is allowed


def test_the_proxy_reaches_no_address_but_its_dns(
    objects: list[Object], pods: dict[str, Labels]
) -> None:
    assert not reaches_address(objects, pods["proxy"], "203.0.113.7", 443)
    assert not reaches_address(objects, pods["proxy"], "172.20.0.1", 443)


def test_the_hub_reaches_the_kubernetes_api_and_identity_providers(
    objects: list[Object], pods: dict[str, Labels]
) -> None:
    assert reaches_address(objects, pods["hub"], "172.20.0.1", 443)
    assert reaches_address(objects, pods["hub"], "140.82.121.6", 443)


def test_every_pod_may_ask_the_dns_of_its_cluster(
    environment: Environment, objects: list[Object], pods: dict[str, Labels]
) -> None:
    for labels in pods.values():
        if environment.spec.target == "eks":
            assert reaches_address(objects, labels, "172.20.0.10", 53)
        else:
            rules = policy_of(objects, labels)["egress"]
            (dns,) = (r for r in rules if "namespaceSelector" in r["to"][0])
            names = dns["to"][0]["namespaceSelector"]["matchLabels"]
            assert names == {"kubernetes.io/metadata.name": "kube-system"}
            assert {(p["protocol"], p["port"]) for p in dns["ports"]} == {("UDP", 53), ("TCP", 53)}


def test_every_service_leads_to_a_port_of_the_pod_it_is_named_after(
    objects: list[Object], pods: dict[str, Labels]
) -> None:
    services = of_kind(objects, "Service")
    assert {s["metadata"]["name"] for s in services} == {"hub", "proxy-api", "proxy-public"}
    for service in services:
        component = service["metadata"]["name"].partition("-")[0]
        found = [
            name for name, labels in pods.items() if selects(service["spec"]["selector"], labels)
        ]
        assert found == [component]
        pod = one(objects, "Deployment", component)["spec"]["template"]["spec"]
        ports = {p["containerPort"] for p in pod["containers"][0]["ports"]}
        for port in service["spec"]["ports"]:
            assert port.get("targetPort", port["port"]) in ports


def test_deployments_select_their_own_pods(objects: list[Object], pods: dict[str, Labels]) -> None:
    for deployment in of_kind(objects, "Deployment"):
        selector = deployment["spec"]["selector"]["matchLabels"]
        found = [name for name, labels in pods.items() if selects(selector, labels)]
        assert found == [deployment["metadata"]["name"]]


def test_the_addresses_in_the_hubs_settings_are_services(
    environment: Environment, objects: list[Object]
) -> None:
    addresses = kubernetes_settings(environment).addresses
    for address in (addresses.proxy_api_url, addresses.hub_connect_url):
        url = urlsplit(address)
        service = one(objects, "Service", str(url.hostname))
        assert url.port in [p["port"] for p in service["spec"]["ports"]]


def test_an_ingress_leads_to_the_public_service(objects: list[Object]) -> None:
    for ingress in of_kind(objects, "Ingress"):
        (path,) = ingress["spec"]["rules"][0]["http"]["paths"]
        backend = path["backend"]["service"]
        service = one(objects, "Service", backend["name"])
        assert backend["port"]["number"] in [p["port"] for p in service["spec"]["ports"]]
