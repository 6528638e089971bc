"""EKS Auto Mode, its nodes' role and security group, its add-ons, and the platform chart."""

from typing import cast

from aws_cdk import RemovalPolicies, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_eks_v2 as eks
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk.lambda_layer_kubectl_v36 import KubectlV36Layer
from constructs import Construct

from charts import rendering
from charts.aws_values import AwsValues
from slipway import facts
from slipway.model import Environment
from stacks.constructs.acknowledgements import acknowledge, acknowledge_managed_policies
from stacks.constructs.addon import Addon
from stacks.constructs.kubernetes_objects import KubernetesObjects
from stacks.constructs.log_group import ClusterLogGroup
from stacks.data import DataStack
from stacks.network import NetworkStack


class ClusterStack(Stack):
    """`aws_values` are what the charts need to know of this stack and of those before it."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        network: NetworkStack,
        data: DataStack,
    ) -> None:
        super().__init__(scope, id, description="EKS Auto Mode. Disposable.")
        spec = environment.eks_spec
        cluster = self._cluster(environment, network, data.key)
        # The generated Python types of aws_eks_v2 do not say that a Cluster is an ICluster.
        self.cluster = cast(eks.ICluster, cluster)
        node_role = self._node_role()
        self.aws_values = AwsValues(
            region=spec.region,
            file_system=data.homes,
            secret_ids=environment.secret_ids,
            snapshots_bucket=data.snapshots.bucket_name,
            node_role=node_role.role_name,
            subnets=tuple(subnet.subnet_id for subnet in network.private_subnets),
            security_group=cluster.cluster_security_group_id,
            user_security_group=self._user_nodes(network, cluster).security_group_id,
            endpoints=spec.network.cidr if spec.network.has_endpoints else None,
        )
        platform = KubernetesObjects(
            self,
            "platform",
            cluster=self.cluster,
            objects=rendering.chart_objects(rendering.PLATFORM, environment, self.aws_values),
        )
        # Nodes join with it, and leave before it is gone.
        platform.node.add_dependency(self._node_access(node_role))
        # An add-on that finds no node to run on counts as failed.
        for addon in self._addons(environment):
            addon.node.add_dependency(platform)
        # The log groups of CDK's own functions, which it would leave behind.
        RemovalPolicies.of(self).destroy(apply_to_resource_types=["AWS::Logs::LogGroup"])

    def _cluster(
        self, environment: Environment, network: NetworkStack, key: kms.IKey
    ) -> eks.Cluster:
        name = facts.cluster_name(environment.name)
        log_group = facts.CLUSTER_LOG_GROUPS.format(cluster=name) + "cluster"
        public = environment.eks_spec.cluster.public_endpoint
        cluster = eks.Cluster(
            self,
            "cluster",
            cluster_name=name,
            version=eks.KubernetesVersion.of(environment.versions.kubernetes),
            vpc=network.vpc,
            vpc_subnets=[network.private],
            endpoint_access=eks.EndpointAccess.PUBLIC_AND_PRIVATE
            if public
            else eks.EndpointAccess.PRIVATE,
            service_ipv4_cidr=facts.EKS_SERVICE_RANGE,
            secrets_encryption_key=key,
            # Our own are in the platform chart: the built-in ones can be neither pinned to a zone
            # nor kept from consolidating.
            compute=eks.ComputeConfig(node_pools=[]),
            # CloudFormation's role needs no way in: the kubectl provider has its own.
            bootstrap_cluster_creator_admin_permissions=False,
            cluster_logging=list(eks.ClusterLoggingTypes),
            kubectl_provider_options=eks.KubectlProviderOptions(
                kubectl_layer=KubectlV36Layer(self, "kubectl"),
                private_subnets=network.private_subnets,
            ),
        )
        cluster.node.add_dependency(ClusterLogGroup(self, "logs", name=log_group))
        _protect(cluster)
        _acknowledge_generated_resources(cluster)
        for arn in environment.eks_spec.cluster.admins:
            cluster.grant_access(arn, arn, [_cluster_wide("AmazonEKSClusterAdminPolicy")])
        return cluster

    def _node_role(self) -> iam.Role:
        """https://docs.aws.amazon.com/eks/latest/userguide/auto-learn-iam.html"""
        policies = ("AmazonEKSWorkerNodeMinimalPolicy", "AmazonEC2ContainerRegistryPullOnly")
        role = iam.Role(
            self,
            "node-role",
            assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"),
            managed_policies=[
                iam.ManagedPolicy.from_aws_managed_policy_name(policy) for policy in policies
            ],
        )
        acknowledge_managed_policies(role, *policies)
        return role

    def _node_access(self, role: iam.Role) -> eks.AccessEntry:
        """Without it no node of an own node class joins the cluster:
        https://docs.aws.amazon.com/eks/latest/userguide/create-node-class.html#auto-node-access-entry
        """
        return eks.AccessEntry(
            self,
            "node-access",
            cluster=self.cluster,
            principal=role.role_arn,
            access_entry_type=eks.AccessEntryType.EC2,
            access_policies=[_cluster_wide("AmazonEKSAutoNodePolicy")],
        )

    def _user_nodes(self, network: NetworkStack, cluster: eks.Cluster) -> ec2.SecurityGroup:
        """Users' servers reach the hub and the Kubernetes API, and are reached by hub, proxy and
        the control plane. Between their nodes nothing passes."""
        group = ec2.SecurityGroup(
            self, "user-nodes", vpc=network.vpc, description="Nodes of user servers"
        )
        core = ec2.SecurityGroup.from_security_group_id(
            self, "core-nodes", cluster.cluster_security_group_id
        )
        for port, what in ((facts.KUBELET_PORT, "kubelet"), (facts.USER_SERVER_PORT, "servers")):
            group.add_ingress_rule(core, ec2.Port.tcp(port), what)
        for port, what in ((facts.API_SERVER_PORTS[0], "Kubernetes API"), (facts.HUB_PORT, "hub")):
            core.add_ingress_rule(group, ec2.Port.tcp(port), f"{what}, from user nodes")
        return group

    def _addons(self, environment: Environment) -> list[Addon]:
        """What Auto Mode does not bring.

        https://docs.aws.amazon.com/eks/latest/userguide/workloads-add-ons-available-eks.html
        """
        versions, cluster = environment.versions.addons, self.cluster.cluster_name
        return [
            Addon(
                self,
                "efs-driver",
                addon=facts.EFS_ADDON,
                cluster=cluster,
                versions=versions,
                roles={"efs-csi-controller-sa": ["service-role/AmazonEFSCSIDriverPolicy"]},
            ),
            Addon(self, "metrics", addon=facts.METRICS_ADDON, cluster=cluster, versions=versions),
        ]


def _protect(cluster: eks.Cluster) -> None:
    """Against deletion by mistake, and against EXTENDED support, the default, which costs six
    times as much from the day standard support ends."""
    resource = cast(eks.CfnCluster, cluster.node.default_child)
    resource.upgrade_policy = eks.CfnCluster.UpgradePolicyProperty(support_type="STANDARD")
    resource.deletion_protection = True


def _acknowledge_generated_resources(cluster: eks.Cluster) -> None:
    """The cluster's role, and the kubectl provider's functions with theirs."""
    acknowledge_managed_policies(
        cluster,
        "AmazonEKSClusterPolicy",
        "AmazonEKSComputePolicy",
        "AmazonEKSBlockStoragePolicy",
        "AmazonEKSLoadBalancingPolicy",
        "AmazonEKSNetworkingPolicy",
        "service-role/AWSLambdaBasicExecutionRole",
        "service-role/AWSLambdaVPCAccessExecutionRole",
        "AmazonEC2ContainerRegistryReadOnly",
    )
    handler = "clusterKubectlProviderHandler"
    public = "AmazonElasticContainerRegistryPublicReadOnly"
    acknowledge(
        cluster,
        f'IAM4[Policy::{{"Fn::If":["{handler}HasEcrPublic4D4B3BB8",{{"Fn::Join":["",["arn:",'
        f'{{"Ref":"AWS::Partition"}},":iam::aws:policy/{public}"]]}},{{"Ref":"AWS::NoValue"}}]}}]',
        "CDK's own, for Helm charts in a public registry; it reads what everybody may",
    )
    acknowledge(
        cluster,
        f"IAM5[Resource::<{handler}87A43F30.Arn>:*]",
        "CDK's own: any version of the one function",
    )
    acknowledge(cluster, "L1", "CDK's own: the runtime comes with its version")


def _cluster_wide(policy: str) -> eks.IAccessPolicy:
    return eks.AccessPolicy.from_access_policy_name(
        policy, access_scope_type=eks.AccessScopeType.CLUSTER
    )
