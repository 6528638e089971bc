"""The choices that a first deploy, or the bill, depends on."""

from typing import Any

from tests.stacks.conftest import Assembly


def test_auto_mode_is_on_as_a_whole(assembly: Assembly) -> None:
    cluster = assembly.only("cluster", "AWS::EKS::Cluster")
    assert cluster["ComputeConfig"]["Enabled"] is True
    assert cluster["StorageConfig"] == {"BlockStorage": {"Enabled": True}}
    assert cluster["KubernetesNetworkConfig"]["ElasticLoadBalancing"] == {"Enabled": True}
    assert cluster["AccessConfig"]["AuthenticationMode"] == "API"


def test_the_cluster_runs_the_environments_kubernetes_on_standard_support(
    assembly: Assembly,
) -> None:
    cluster = assembly.only("cluster", "AWS::EKS::Cluster")
    assert cluster["Version"] == assembly.environment.versions.kubernetes
    assert cluster["UpgradePolicy"] == {"SupportType": "STANDARD"}


def test_the_cluster_is_protected_and_encrypts_its_secrets(assembly: Assembly) -> None:
    cluster = assembly.only("cluster", "AWS::EKS::Cluster")
    assert cluster["DeletionProtection"] is True
    assert [e["Resources"] for e in cluster["EncryptionConfig"]] == [["secrets"]]


def test_nodes_stay_in_private_subnets(assembly: Assembly) -> None:
    spec: Any = assembly.environment.spec
    subnets = assembly.only("cluster", "AWS::EKS::Cluster")["ResourcesVpcConfig"]["SubnetIds"]
    assert len(subnets) == len(spec.zones)
    assert all("privateSubnet" in subnet["Fn::ImportValue"] for subnet in subnets)


def test_the_dns_that_policies_allow_is_the_clusters(assembly: Assembly) -> None:
    network = assembly.only("cluster", "AWS::EKS::Cluster")["KubernetesNetworkConfig"]
    assert network["ServiceIpv4Cidr"] == "172.20.0.0/16"


def test_addons_get_credentials_from_pod_identity_alone(assembly: Assembly) -> None:
    addons = [
        resource["Properties"]
        for stack in ("cluster", "observability")
        for resource in assembly.resources(stack, "AWS::EKS::Addon").values()
    ]
    assert {a["AddonName"] for a in addons} == {
        "aws-efs-csi-driver",
        "amazon-cloudwatch-observability",
    }
    for addon in addons:
        assert addon["PodIdentityAssociations"]
        assert "ServiceAccountRoleArn" not in addon


def test_pod_roles_can_be_taken_with_session_tags(assembly: Assembly) -> None:
    trusts = [
        role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        for stack in ("cluster", "hub", "observability")
        for role in assembly.resources(stack, "AWS::IAM::Role").values()
    ]
    pods = [t for t in trusts if "pods.eks.amazonaws.com" in str(t)]
    assert len(pods) == 3
    for statements in pods:
        actions = {a for s in statements for a in _listed(s["Action"])}
        assert actions == {"sts:AssumeRole", "sts:TagSession"}


def test_the_zones_are_those_of_the_environment(assembly: Assembly) -> None:
    spec: Any = assembly.environment.spec
    subnets = assembly.resources("network", "AWS::EC2::Subnet").values()
    assert {s["Properties"]["AvailabilityZone"] for s in subnets} == set(spec.zones)
    gateways = assembly.resources("network", "AWS::EC2::NatGateway")
    assert len(gateways) == (1 if spec.network.nat == "one" else len(spec.zones))


def test_there_is_a_repository_for_every_image_that_is_pulled(assembly: Assembly) -> None:
    environment = assembly.environment
    repositories = {
        r["Properties"]["RepositoryName"]
        for r in assembly.resources("registry", "AWS::ECR::Repository").values()
    }
    pulled = {environment.image_reference(i) for i in ("hub", "proxy", *environment.catalog.images)}
    assert repositories == {r.partition("/")[2].partition(":")[0] for r in pulled}


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
