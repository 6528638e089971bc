"""What the API server would say of the rendered objects, without one."""

import kubernetes_validate
import pytest

from slipway.model import Environment
from tests.charts.conftest import Object, environment_on_cluster, of_kind, one, rendered

AWS_KINDS = {"IngressClassParams"}


def test_every_object_is_valid_for_the_environments_kubernetes(
    environment: Environment, objects: list[Object]
) -> None:
    checked = [item for item in objects if item["kind"] not in AWS_KINDS]
    for item in checked:
        kubernetes_validate.validate(item, environment.versions.kubernetes, strict=True)
    assert len(checked) >= 15


def test_only_kinds_that_the_cluster_knows_are_rendered() -> None:
    kinds = {item["kind"] for item in rendered(environment_on_cluster("kube"))}
    assert kinds.isdisjoint(AWS_KINDS | {"StorageClass", "IngressClass", "PersistentVolume"})


def test_no_two_objects_have_the_same_identity(objects: list[Object]) -> None:
    seen = [
        (o["apiVersion"], o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"])
        for o in objects
    ]
    assert len(seen) == len(set(seen))


def test_everything_but_cluster_wide_objects_lives_in_the_environments_namespace(
    environment: Environment, objects: list[Object]
) -> None:
    namespace = environment.cluster_spec.namespace
    elsewhere = {o["kind"] for o in objects if o["metadata"].get("namespace") != namespace}
    cluster_wide = {"Namespace", "StorageClass", "IngressClass", "PersistentVolume"}
    assert elsewhere <= cluster_wide | AWS_KINDS | {"ConfigMap"}
    assert [
        o["metadata"]["name"]
        for o in of_kind(objects, "ConfigMap")
        if o["metadata"]["namespace"] != namespace
    ] in ([], ["amazon-vpc-cni"])


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_auto_mode_enforces_network_policies_and_has_the_classes_that_are_used(name: str) -> None:
    objects = rendered(environment_on_cluster(name))
    switch = one(objects, "ConfigMap", "amazon-vpc-cni")
    assert switch["metadata"]["namespace"] == "kube-system"
    assert switch["data"] == {"enable-network-policy-controller": "true"}
    ingress = one(objects, "Ingress", "proxy-public")
    ingress_class = one(objects, "IngressClass", ingress["spec"]["ingressClassName"])
    one(objects, "IngressClassParams", ingress_class["spec"]["parameters"]["name"])
    database = one(objects, "PersistentVolumeClaim", "hub-database")
    one(objects, "StorageClass", database["spec"]["storageClassName"])


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_homes_on_eks_bind_to_the_file_system_and_outlive_their_claim(name: str) -> None:
    objects = rendered(environment_on_cluster(name))
    claim = one(objects, "PersistentVolumeClaim", "homes")
    volume = one(objects, "PersistentVolume", claim["spec"]["volumeName"])
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


def test_a_plain_cluster_gets_an_ingress_when_it_has_a_domain() -> None:
    assert not of_kind(rendered(environment_on_cluster("kube")), "Ingress")
    environment = environment_on_cluster("kube", domain="hub.example.org", ingress_class="nginx")
    spec = one(rendered(environment), "Ingress", "proxy-public")["spec"]
    assert spec["ingressClassName"] == "nginx"
    assert spec["rules"][0]["host"] == "hub.example.org"
    assert spec["tls"] == [{"hosts": ["hub.example.org"], "secretName": "proxy-public-tls"}]


def test_a_local_environment_has_no_charts() -> None:
    with pytest.raises(ValueError, match="local"):
        rendered(environment_on_cluster("local"))
