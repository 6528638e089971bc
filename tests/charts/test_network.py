"""Who reaches whom: Services and NetworkPolicies meet the pods they mean."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from random import Random
from typing import Any
from urllib.parse import urlsplit

import pytest

from charts import special_purpose_addresses
from slipway.model import Environment
from slipway.model.eks import Network
from slipway.settings.hub import kubernetes_settings
from tests.charts.conftest import (
    Object,
    objects_of,
    of_kind,
    one,
    rendered,
    templates,
    variant_named,
)

Labels = dict[str, str]
PROXY = {"app.kubernetes.io/component": "proxy"}


def selects(selector: Labels, labels: Labels) -> bool:
    return bool(selector) and selector.items() <= labels.items()


def pods_of(objects: list[Object]) -> dict[str, Labels]:
    """Labels by component; what a user's pod has is checked where that is made."""
    found = {
        each["metadata"]["labels"]["app.kubernetes.io/component"]: each["metadata"]["labels"]
        for each in templates(objects).values()
    }
    return {**found, "user": {"app.kubernetes.io/component": "singleuser-server"}}


@pytest.fixture
def pods(variant_objects: list[Object]) -> dict[str, Labels]:
    return pods_of(variant_objects)


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
    out = policy_of(objects, pods[source]).get("egress", [])
    into = policy_of(objects, pods[target]).get("ingress", [])
    return admits(out, "to", pods[target], port) and admits(into, "from", pods[source], port)


def reaches_address(objects: list[Object], labels: Labels, address: str, port: int) -> bool:
    for rule in policy_of(objects, labels).get("egress", []):
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
    variant_objects: list[Object], pods: dict[str, Labels]
) -> None:
    assert {"hub", "proxy", "user", "image-puller"} <= set(pods)
    for labels in pods.values():
        assert policy_of(variant_objects, labels)["policyTypes"] == ["Ingress", "Egress"]


def test_pods_that_only_wait_talk_to_nobody() -> None:
    objects = objects_of("kube-nodes")
    for component in ("image-puller", "user-placeholder"):
        policy = policy_of(objects, pods_of(objects)[component])
        assert not policy.get("ingress")
        assert not policy.get("egress")


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
    variant_objects: list[Object],
    pods: dict[str, Labels],
    source: str,
    target: str,
    port: int,
    allowed: bool,
) -> None:
    assert connects(variant_objects, pods, source, target, port) is allowed


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        # The metadata service and Pod Identity's agent, in both families.
        ("169.254.169.254", False),
        ("fd00:ec2::254", False),
        ("169.254.170.23", False),
        ("fd00:ec2::23", False),
        ("10.0.3.4", False),
        ("100.64.0.1", False),
        ("172.20.0.1", False),
        ("192.168.1.1", False),
        ("fe80::1", False),
        ("fd12:3456::1", False),
    ],
)
def test_users_reach_the_internet_but_neither_metadata_nor_the_clusters_insides(
    variant_objects: list[Object], pods: dict[str, Labels], address: str, allowed: bool
) -> None:
    for port in (80, 443):
        assert reaches_address(variant_objects, pods["user"], address, port) is allowed


@pytest.mark.parametrize(
    "block",
    [
        *special_purpose_addresses.IPV4_NOT_GLOBAL,
        *special_purpose_addresses.IPV6_NOT_GLOBAL,
        # Not special-purpose by the registries, and no host of the internet.
        *("224.0.0.0/4", "ff00::/8", "fec0::/10", "::/96", "4000::/3", "e000::/4"),
        # What leads to private IPv4 addresses, behind a NAT64 that is there.
        "64:ff9b::/96",
    ],
)
def test_no_special_purpose_address_is_the_internet(block: str) -> None:
    objects = objects_of("kube")
    labels = pods_of(objects)["user"]
    network = ip_network(block)
    for address in (network[0], network[network.num_addresses // 2], network[-1]):
        assert not reaches_address(objects, labels, str(address), 443), address


@pytest.mark.parametrize(
    "block",
    ["192.31.196.0/24", "192.52.193.0/24", "192.175.48.0/24", "2620:4f:8000::/48", "2600::/12"],
)
def test_what_the_registries_call_global_is_the_internet(block: str) -> None:
    objects = objects_of("kube")
    network = ip_network(block)
    for address in (network[0], network[-1]):
        assert reaches_address(objects, pods_of(objects)["user"], str(address), 443)


def test_an_address_that_python_calls_private_is_not_the_internet() -> None:
    """A second reader of the registries; which of them it knows depends on its version."""
    objects = objects_of("kube")
    labels = pods_of(objects)["user"]
    random = Random(0)
    numbers = ((IPv4Address, 32), (IPv6Address, 128))
    for kind, bits in numbers * 1000:
        address = kind(random.getrandbits(bits))
        if not address.is_global or address.is_multicast:
            assert not reaches_address(objects, labels, str(address), 443), address


def test_kubernetes_takes_every_range_that_is_left_out() -> None:
    """Within its block, in the only spelling, and none is an IPv4 address written as IPv6."""
    for everything, blocks in special_purpose_addresses.NOT_THE_INTERNET.items():
        version = ip_network(everything).version
        assert [str(ip_network(block)) for block in blocks] == [*blocks]
        assert {ip_network(block).version for block in blocks} == {version}
        assert all(ip_network(block).prefixlen > 0 for block in blocks)
        assert not [block for block in blocks if block.startswith("::ffff:")]


def test_a_vpc_with_public_looking_addresses_is_not_the_internet() -> None:
    environment = variant_named("dev")
    spec = environment.spec.model_copy(update={"network": Network(cidr="198.20.0.0/16")})
    objects = rendered(replace(environment, spec=spec))
    labels = pods_of(objects)["user"]
    assert not reaches_address(objects, labels, "198.20.4.5", 443)
    assert reaches_address(objects, labels, "198.21.4.5", 443)


def test_only_hub_and_proxy_on_eks_get_an_identity(
    variant_environment: Environment, variant_objects: list[Object], pods: dict[str, Labels]
) -> None:
    on_eks = variant_environment.spec.target == "eks"
    for agent in ("169.254.170.23", "fd00:ec2::23"):
        reach = {n for n, has in pods.items() if reaches_address(variant_objects, has, agent, 80)}
        assert reach == ({"hub", "proxy"} if on_eks else set())


def test_no_pod_reaches_the_metadata_service(
    variant_objects: list[Object], pods: dict[str, Labels]
) -> None:
    for labels in pods.values():
        for address in ("169.254.169.254", "fd00:ec2::254"):
            assert not reaches_address(variant_objects, labels, address, 80)


def test_only_the_hub_reaches_the_kubernetes_api(
    variant_objects: list[Object], pods: dict[str, Labels]
) -> None:
    addresses = {"172.20.0.1", "10.250.0.1"}
    reach = {
        name
        for name, labels in pods.items()
        for address in addresses
        if reaches_address(variant_objects, labels, address, 443)
    }
    assert reach == {"hub"}


def test_the_proxy_reaches_no_address_but_its_dns_and_on_eks_its_secret() -> None:
    assert not reaches_address(objects_of("kube"), PROXY, "8.8.8.8", 443)
    # Secrets Manager: over the internet, or at an endpoint in the VPC.
    assert reaches_address(objects_of("dev"), PROXY, "8.8.8.8", 443)
    assert not reaches_address(objects_of("dev"), PROXY, "10.0.1.5", 443)
    assert not reaches_address(objects_of("dev-no-nat"), PROXY, "8.8.8.8", 443)
    assert reaches_address(objects_of("dev-no-nat"), PROXY, "10.0.1.5", 443)


def test_the_hub_reaches_identity_providers(
    variant_objects: list[Object], pods: dict[str, Labels]
) -> None:
    assert reaches_address(variant_objects, pods["hub"], "140.82.121.6", 443)
    assert reaches_address(variant_objects, pods["hub"], "2606:50c0::1", 443)


def test_the_hub_may_be_held_to_the_addresses_of_its_kubernetes_api() -> None:
    objects = objects_of("kube-watched")
    hub = pods_of(objects)["hub"]
    assert reaches_address(objects, hub, "10.250.0.1", 6443)
    assert not reaches_address(objects, hub, "10.250.0.2", 6443)


def test_pods_that_resolve_names_may_ask_the_dns_of_their_cluster(
    variant: str, variant_objects: list[Object], pods: dict[str, Labels]
) -> None:
    named = {"kube-watched": "10.96.0.10", "dev": "172.20.0.10", "prod": "172.20.0.10"}
    for component in ("hub", "proxy", "user"):
        rules = policy_of(variant_objects, pods[component])["egress"]
        (dns,) = (r for r in rules if r.get("ports") and r["ports"][0]["port"] == 53)
        assert {(p["protocol"], p["port"]) for p in dns["ports"]} == {("UDP", 53), ("TCP", 53)}
        if variant in named:
            assert reaches_address(variant_objects, pods[component], named[variant], 53)
        elif variant.startswith("kube"):
            names = dns["to"][0]["namespaceSelector"]["matchLabels"]
            assert names == {"kubernetes.io/metadata.name": "kube-system"}


def test_monitoring_may_scrape_when_it_is_named_and_nobody_else() -> None:
    for variant, watched in (("kube-watched", True), ("kube", False)):
        objects = objects_of(variant)
        for component, port in (("hub", 8081), ("proxy", 8002)):
            rules = policy_of(objects, pods_of(objects)[component])["ingress"]
            namespaces = {
                peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
                for rule in rules
                if port in [p["port"] for p in rule["ports"]]
                for peer in rule["from"]
                if "namespaceSelector" in peer
            }
            assert namespaces == ({"monitoring"} if watched else set())


def test_prometheus_is_told_where_to_look(variant_objects: list[Object]) -> None:
    told = {}
    for service in of_kind(variant_objects, "Service"):
        notes = service["metadata"].get("annotations", {})
        if notes.get("prometheus.io/scrape") == "true":
            port, path = notes["prometheus.io/port"], notes["prometheus.io/path"]
            assert int(port) in [p["targetPort"] for p in service["spec"]["ports"]]
            told[service["metadata"]["name"]] = path
    assert told == {"hub": "/hub/metrics", "proxy-api": "/metrics"}


def test_every_service_leads_to_a_port_of_the_pod_it_is_named_after(
    variant_objects: list[Object], pods: dict[str, Labels]
) -> None:
    services = of_kind(variant_objects, "Service")
    assert {s["metadata"]["name"] for s in services} == {"hub", "proxy-api", "proxy-public"}
    for service in services:
        component = service["metadata"]["name"].partition("-")[0]
        found = [
            name for name, labels in pods.items() if selects(service["spec"]["selector"], labels)
        ]
        assert found == [component]
        pod = one(variant_objects, "Deployment", component)["spec"]["template"]["spec"]
        ports = {p["containerPort"] for p in pod["containers"][0]["ports"]}
        for port in service["spec"]["ports"]:
            assert port.get("targetPort", port["port"]) in ports


def test_the_addresses_in_the_hubs_settings_are_services(
    variant_environment: Environment, variant_objects: list[Object]
) -> None:
    addresses = kubernetes_settings(variant_environment).addresses
    for address in (addresses.proxy_api_url, addresses.hub_connect_url):
        url = urlsplit(address)
        service = one(variant_objects, "Service", str(url.hostname))
        assert url.port in [p["port"] for p in service["spec"]["ports"]]


def test_an_ingress_leads_to_the_public_service(variant_objects: list[Object]) -> None:
    for ingress in of_kind(variant_objects, "Ingress"):
        (path,) = ingress["spec"]["rules"][0]["http"]["paths"]
        backend = path["backend"]["service"]
        service = one(variant_objects, "Service", backend["name"])
        assert backend["port"]["number"] in [p["port"] for p in service["spec"]["ports"]]


def test_a_plain_cluster_gets_an_ingress_when_it_has_a_domain() -> None:
    assert not of_kind(objects_of("kube"), "Ingress")
    ingress = one(objects_of("kube-ingress"), "Ingress", "proxy-public")
    assert ingress["metadata"]["annotations"] == {"cert-manager.io/cluster-issuer": "letsencrypt"}
    spec = ingress["spec"]
    assert spec["ingressClassName"] == "nginx"
    assert spec["rules"][0]["host"] == "hub.example.org"
    assert spec["tls"] == [{"hosts": ["hub.example.org"], "secretName": "proxy-public-tls"}]


def test_a_load_balancer_on_eks_speaks_https_checks_the_proxy_and_keeps_websockets() -> None:
    objects = objects_of("dev")
    notes = one(objects, "Ingress", "proxy-public")["metadata"]["annotations"]
    alb = {k.partition("/")[2]: v for k, v in notes.items() if k.startswith("alb.")}
    assert alb["target-type"] == "ip"
    assert alb["listen-ports"] == '[{"HTTP":80},{"HTTPS":443}]'
    assert alb["ssl-redirect"] == "443"
    assert (alb["healthcheck-path"], alb["success-codes"]) == ("/_chp_healthz", "200")
    attributes = one(objects, "IngressClassParams", "alb")["spec"]["loadBalancerAttributes"]
    assert {"key": "idle_timeout.timeout_seconds", "value": "3600"} in attributes


def test_a_load_balancer_of_a_plain_cluster_keeps_users_addresses() -> None:
    spec = one(objects_of("kube-load-balancer"), "Service", "proxy-public")["spec"]
    assert spec["externalTrafficPolicy"] == "Local"


def test_services_are_in_both_families_where_there_are_two(variant_objects: list[Object]) -> None:
    for service in of_kind(variant_objects, "Service"):
        assert service["spec"]["ipFamilyPolicy"] == "PreferDualStack"
