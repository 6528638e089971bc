"""Storage, nodes, priorities and quotas."""

from typing import Any

import pytest

from slipway.model import Environment
from tests.charts.conftest import (
    Object,
    objects_of,
    of_kind,
    one,
    templates,
)


def requirements(pool: Object) -> dict[str, tuple[str, list[str]]]:
    found = pool["spec"]["template"]["spec"]["requirements"]
    return {r["key"].rpartition("/")[2]: (r["operator"], r["values"]) for r in found}


def homes_claim(variant: str) -> dict[str, Any]:
    spec: dict[str, Any] = one(objects_of(variant), "PersistentVolumeClaim", "homes")["spec"]
    return spec


def test_the_namespace_enforces_restricted_pod_security(
    variant_environment: Environment, variant_objects: list[Object]
) -> None:
    name = variant_environment.cluster_spec.namespace
    labels = one(variant_objects, "Namespace", name)["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert labels["pod-security.kubernetes.io/enforce-version"] == "v1.36"


def test_shared_homes_have_the_access_mode_of_the_environment() -> None:
    assert homes_claim("kube")["accessModes"] == ["ReadWriteOnce"]
    assert homes_claim("kube-shared-many")["accessModes"] == ["ReadWriteMany"]


@pytest.mark.parametrize("variant", ["kube-per-user", "kube-existing"])
def test_homes_that_others_make_are_not_claimed(variant: str) -> None:
    claims = {o["metadata"]["name"] for o in of_kind(objects_of(variant), "PersistentVolumeClaim")}
    assert claims == {"hub-database"}


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_homes_on_eks_bind_to_the_file_system_and_outlive_their_claim(name: str) -> None:
    claim = one(objects_of(name), "PersistentVolumeClaim", "homes")
    volume = one(objects_of(name), "PersistentVolume", claim["spec"]["volumeName"])
    assert volume["spec"]["csi"] == {
        "driver": "efs.csi.aws.com",
        "volumeHandle": "FILE-SYSTEM-ID::ACCESS-POINT-ID",
    }
    assert volume["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
    assert volume["spec"]["claimRef"] == {
        "name": "homes",
        "namespace": claim["metadata"]["namespace"],
    }
    assert volume["spec"]["storageClassName"] == claim["spec"]["storageClassName"] == ""


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_auto_mode_enforces_network_policies_and_has_the_classes_that_are_used(name: str) -> None:
    objects = objects_of(name)
    switch = one(objects, "ConfigMap", "amazon-vpc-cni")
    assert switch["data"] == {"enable-network-policy-controller": "true"}
    ingress = one(objects, "Ingress", "proxy-public")
    ingress_class = one(objects, "IngressClass", ingress["spec"]["ingressClassName"])
    one(objects, "IngressClassParams", ingress_class["spec"]["parameters"]["name"])
    database = one(objects, "PersistentVolumeClaim", "hub-database")
    one(objects, "StorageClass", database["spec"]["storageClassName"])
    for pool in of_kind(objects, "NodePool"):
        one(objects, "NodeClass", pool["spec"]["template"]["spec"]["nodeClassRef"]["name"])


@pytest.mark.parametrize("variant", ["dev", "prod-gpu-spot"])
def test_no_pool_stops_a_running_server_to_save_money(variant: str) -> None:
    for pool in of_kind(objects_of(variant), "NodePool"):
        disruption = pool["spec"]["disruption"]
        assert disruption["consolidationPolicy"] == "WhenEmpty"
        held = [b for b in disruption["budgets"] if b["nodes"] == "0"]
        assert [b["reasons"] for b in held] == [["Drifted"]]
        spec = pool["spec"]["template"]["spec"]
        hours = [int(spec[key][:-1]) for key in ("expireAfter", "terminationGracePeriod")]
        # The most that Auto Mode lets a node live.
        assert sum(hours) <= 21 * 24


def test_the_hubs_nodes_are_on_demand_and_in_the_zone_of_its_volume() -> None:
    pool = one(objects_of("prod-gpu-spot"), "NodePool", "core")
    assert requirements(pool)["zone"] == ("In", ["eu-central-1a"])
    assert requirements(pool)["capacity-type"] == ("In", ["on-demand"])
    # Add-ons tolerate nothing.
    assert "taints" not in pool["spec"]["template"]["spec"]


def test_users_nodes_are_for_users_alone_and_as_large_as_the_environment_says() -> None:
    pool = one(objects_of("dev"), "NodePool", "users")
    assert [t["key"] for t in pool["spec"]["template"]["spec"]["taints"]] == [
        "hub.jupyter.org/dedicated"
    ]
    asked = requirements(pool)
    assert asked["instance-cpu"] == ("Lte", ["16"])
    assert asked["instance-memory"] == ("Lte", [str(64 * 1024)])
    assert asked["instance-category"] == ("In", ["c", "m", "r"])
    assert pool["spec"]["limits"] == {"cpu": "512"}


def test_a_gpu_pool_asks_for_its_gpus_and_may_be_spot() -> None:
    pool = one(objects_of("prod-gpu-spot"), "NodePool", "gpu")
    asked = requirements(pool)
    assert asked["instance-gpu-name"] == ("In", ["l4"])
    assert asked["instance-gpu-count"] == ("In", ["1"])
    assert "instance-category" not in asked
    assert asked["capacity-type"] == ("In", ["spot", "on-demand"])
    assert pool["spec"]["limits"] == {"cpu": "64"}


def test_priorities_are_above_and_below_users_servers_and_placeholders_preempt_nobody(
    variant_environment: Environment, variant_objects: list[Object]
) -> None:
    namespace = variant_environment.cluster_spec.namespace
    classes = {o["metadata"]["name"]: o for o in of_kind(variant_objects, "PriorityClass")}
    values = {name: item["value"] for name, item in classes.items()}
    assert values == {
        f"{namespace}-core": 100,
        f"{namespace}-puller": -5,
        f"{namespace}-placeholder": -10,
    }
    assert classes[f"{namespace}-placeholder"]["preemptionPolicy"] == "Never"
    assert not any(item.get("globalDefault") for item in classes.values())


def test_the_quota_counts_users_servers_and_nothing_that_the_chart_runs(
    variant_environment: Environment, variant_objects: list[Object]
) -> None:
    spec = variant_environment.cluster_spec
    quota = one(variant_objects, "ResourceQuota", "user-servers")["spec"]
    assert int(quota["hard"]["pods"]) >= spec.max_servers
    assert quota["scopeSelector"] == {
        "matchExpressions": [{"scopeName": "PriorityClass", "operator": "DoesNotExist"}]
    }
    for template in templates(variant_objects).values():
        assert template["spec"]["priorityClassName"]


def test_no_quota_refuses_a_pod_for_what_it_does_not_say(variant_objects: list[Object]) -> None:
    for quota in of_kind(variant_objects, "ResourceQuota"):
        assert not {"cpu", "memory"} & {key.rpartition(".")[2] for key in quota["spec"]["hard"]}
    (limits,) = one(variant_objects, "LimitRange", "requests")["spec"]["limits"]
    # A default limit could lie below a profile's guarantee.
    assert set(limits) == {"type", "defaultRequest"}


@pytest.mark.parametrize(
    ("variant", "balancers", "ports"),
    [
        ("kube", "0", "0"),
        ("kube-load-balancer", "1", "1"),
        ("kube-node-port", "0", "1"),
        # cert-manager's solver.
        ("kube-ingress", "0", "1"),
        ("dev", "0", "0"),
    ],
)
def test_only_the_way_in_that_was_asked_for_is_allowed(
    variant: str, balancers: str, ports: str
) -> None:
    quota = one(objects_of(variant), "ResourceQuota", "ways-in")["spec"]["hard"]
    assert quota == {"services.loadbalancers": balancers, "services.nodeports": ports}
    public = [
        (o["metadata"]["name"], o["spec"]["type"])
        for o in of_kind(objects_of(variant), "Service")
        if o["spec"].get("type", "ClusterIP") != "ClusterIP"
    ]
    types = {"kube-load-balancer": "LoadBalancer", "kube-node-port": "NodePort"}
    asked = types.get(variant)
    assert public == ([("proxy-public", asked)] if asked else [])
