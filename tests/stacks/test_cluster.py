"""The choices that a first deploy, or the bill, depends on."""

from aws_cdk.assertions import Match

from tests.stacks.conftest import Assembly, listed, objects_in

CLUSTER = "AWS::EKS::Cluster"


def test_auto_mode_is_on_as_a_whole(assembly: Assembly) -> None:
    assembly.template("cluster").all_resources_properties(
        CLUSTER,
        {
            "ComputeConfig": {"Enabled": True},
            "StorageConfig": {"BlockStorage": {"Enabled": True}},
            "KubernetesNetworkConfig": {"ElasticLoadBalancing": {"Enabled": True}},
            "AccessConfig": {"AuthenticationMode": "API"},
        },
    )


def test_the_cluster_runs_the_environments_kubernetes_on_standard_support(
    assembly: Assembly,
) -> None:
    version = assembly.environment.versions.kubernetes
    assembly.template("cluster").all_resources_properties(
        CLUSTER, {"Version": version, "UpgradePolicy": {"SupportType": "STANDARD"}}
    )


def test_the_cluster_is_protected_and_encrypts_its_secrets(assembly: Assembly) -> None:
    key = {"KeyArn": Match.any_value()}
    assembly.template("cluster").all_resources_properties(
        CLUSTER,
        {
            "DeletionProtection": True,
            "EncryptionConfig": [{"Provider": key, "Resources": ["secrets"]}],
        },
    )


def test_nodes_stay_in_private_subnets(assembly: Assembly) -> None:
    subnets = assembly.only("cluster", CLUSTER)["ResourcesVpcConfig"]["SubnetIds"]
    assert len(subnets) == len(assembly.environment.eks_spec.zones)
    assert all("privateSubnet" in subnet["Fn::ImportValue"] for subnet in subnets)


def test_the_cluster_brings_no_nodes_of_its_own(assembly: Assembly) -> None:
    compute = {"NodePools": [], "NodeRoleArn": Match.absent()}
    assembly.template("cluster").all_resources_properties(CLUSTER, {"ComputeConfig": compute})


def test_nodes_may_join_before_the_first_is_asked_for(assembly: Assembly) -> None:
    """A node class of our own needs an access entry of its own, or its nodes never join."""
    resources = assembly.resources("cluster")
    (role,) = (
        i
        for i, r in assembly.resources("cluster", "AWS::IAM::Role").items()
        if "AmazonEKSWorkerNodeMinimalPolicy" in str(r["Properties"].get("ManagedPolicyArns"))
    )
    (entry,) = (
        i
        for i, r in assembly.resources("cluster", "AWS::EKS::AccessEntry").items()
        if r["Properties"].get("Type") == "EC2"
    )
    properties = resources[entry]["Properties"]
    assert properties["PrincipalArn"] == {"Fn::GetAtt": [role, "Arn"]}
    assert "AmazonEKSAutoNodePolicy" in str(properties["AccessPolicies"])
    objects = objects_in(assembly, "cluster")
    nodes = [i for i, item in objects.items() if item["kind"] in ("NodeClass", "NodePool")]
    assert len(nodes) == 4
    for logical_id in nodes:
        assert entry in resources[logical_id]["DependsOn"]
        if objects[logical_id]["kind"] == "NodeClass":
            assert objects[logical_id]["spec"]["role"] == f"Ref {role}"


def test_add_ons_come_when_there_are_nodes_to_run_them(assembly: Assembly) -> None:
    resources = assembly.resources("cluster")
    pools = {i for i, o in objects_in(assembly, "cluster").items() if o["kind"] == "NodePool"}
    addons = assembly.resources("cluster", "AWS::EKS::Addon").values()
    assert pools
    assert addons
    for addon in addons:
        assert pools <= set(addon["DependsOn"])
    for pool in pools:
        needed = {resources[i]["Type"] for i in resources[pool]["DependsOn"] if i in resources}
        assert "AWS::EKS::Addon" not in needed


def test_users_nodes_reach_the_hub_and_the_api_and_one_another_never(assembly: Assembly) -> None:
    groups = assembly.resources("cluster", "AWS::EC2::SecurityGroup")
    (group,) = (i for i in groups if i.startswith("usernodes"))
    rules = assembly.resources("cluster", "AWS::EC2::SecurityGroupIngress").values()
    of_users = {"Fn::GetAtt": [group, "GroupId"]}
    into = sorted(
        r["Properties"]["FromPort"] for r in rules if r["Properties"]["GroupId"] == of_users
    )
    out = sorted(
        r["Properties"]["FromPort"]
        for r in rules
        if r["Properties"]["SourceSecurityGroupId"] == of_users
    )
    assert into == [8888, 10250]
    assert out == [443, 8081]
    (users,) = (
        o
        for o in objects_in(assembly, "cluster").values()
        if o["kind"] == "NodeClass" and o["metadata"]["name"] == "users"
    )
    assert users["spec"]["securityGroupSelectorTerms"] == [{"id": f"Fn::GetAtt {group}.GroupId"}]


def test_the_logs_of_the_control_plane_end_and_leave_with_the_cluster(assembly: Assembly) -> None:
    resources = assembly.resources("cluster")
    ((name, group),) = (
        (i, r)
        for i, r in assembly.resources("cluster", "AWS::Logs::LogGroup").items()
        if str(r["Properties"].get("LogGroupName")).startswith("/aws/eks/")
    )
    assert group["Properties"]["RetentionInDays"] == 90
    (cluster,) = (r for r in resources.values() if r["Type"] == "AWS::EKS::Cluster")
    # EKS would make it itself, to keep everything for ever.
    assert name in cluster["DependsOn"]
    kinds = cluster["Properties"]["Logging"]["ClusterLogging"]["EnabledTypes"]
    assert len(kinds) == 5


def test_monitoring_works_on_nodes_that_are_closed_by_default(assembly: Assembly) -> None:
    (policy,) = objects_in(assembly, "observability").values()
    assert policy["metadata"]["namespace"] == "amazon-cloudwatch"
    assert policy["spec"]["egress"] == [{}]


def test_the_dns_that_policies_allow_is_the_clusters(assembly: Assembly) -> None:
    network = {"ServiceIpv4Cidr": "172.20.0.0/16"}
    assembly.template("cluster").all_resources_properties(
        CLUSTER, {"KubernetesNetworkConfig": network}
    )


def test_addons_get_credentials_from_pod_identity_alone(assembly: Assembly) -> None:
    addons = [
        resource["Properties"]
        for stack in ("cluster", "observability")
        for resource in assembly.resources(stack, "AWS::EKS::Addon").values()
    ]
    accounts = {
        addon["AddonName"]: [one["ServiceAccount"] for one in addon["PodIdentityAssociations"]]
        for addon in addons
        if "PodIdentityAssociations" in addon
    }
    assert accounts == {
        "aws-efs-csi-driver": ["efs-csi-controller-sa"],
        "amazon-cloudwatch-observability": ["cloudwatch-agent"],
    }
    assert all("ServiceAccountRoleArn" not in addon for addon in addons)
    assert "metrics-server" in {addon["AddonName"] for addon in addons}


def test_pod_roles_can_be_taken_with_session_tags(assembly: Assembly) -> None:
    trusts = [
        role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        for stack in ("cluster", "hub", "observability")
        for role in assembly.resources(stack, "AWS::IAM::Role").values()
    ]
    pods = [t for t in trusts if "pods.eks.amazonaws.com" in str(t)]
    assert len(pods) == 4
    for statements in pods:
        actions = {a for s in statements for a in listed(s["Action"])}
        assert actions == {"sts:AssumeRole", "sts:TagSession"}


def test_the_zones_are_those_of_the_environment(assembly: Assembly) -> None:
    spec = assembly.environment.eks_spec
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
