"""EKS Auto Mode, its nodes' role, what it needs to mount homes, and the platform chart."""

from typing import cast

from aws_cdk import Stack
from aws_cdk import aws_eks_v2 as eks
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk.lambda_layer_kubectl_v36 import KubectlV36Layer
from constructs import Construct

from charts import rendering
from charts.deployed_values import EKS_SERVICE_RANGE, Aws, endpoints, on_eks
from charts.secret_names import secret_ids
from slipway.model import EksSpec, Environment
from stacks.data import DataStack
from stacks.kubernetes import KubernetesObjects
from stacks.network import NetworkStack
from stacks.pod_identity import pod_role

EFS_DRIVER = "aws-efs-csi-driver"


class ClusterStack(Stack):
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        spec: EksSpec,
        network: NetworkStack,
        data: DataStack,
    ) -> None:
        super().__init__(scope, id, description="EKS Auto Mode. Disposable.")
        cluster = self._cluster(environment, spec, network, data.key)
        _protect(cluster)
        # The generated Python types of aws_eks_v2 do not say that a Cluster is an ICluster.
        self.cluster = cast(eks.ICluster, cluster)
        _add_administrators(cluster, spec)
        node_role = self._node_role()
        self.deployed = on_eks(
            spec,
            Aws(
                region=spec.region,
                file_system=data.homes,
                secret_ids=secret_ids(environment),
                snapshots_bucket=data.snapshots.bucket_name,
                node_role=node_role.role_name,
                subnets=tuple(subnet.subnet_id for subnet in network.private_subnets),
                security_group=cluster.cluster_security_group_id,
                endpoints=endpoints(spec),
            ),
        )
        platform = KubernetesObjects(
            self,
            "platform",
            cluster=self.cluster,
            objects=rendering.chart_objects(rendering.PLATFORM, environment, self.deployed),
        )
        # Nodes join with it, and leave before it is gone.
        platform.node.add_dependency(self._node_access(node_role))
        # An add-on that finds no node to run on counts as failed.
        self._efs_driver(environment).node.add_dependency(platform)

    def _cluster(
        self, environment: Environment, spec: EksSpec, network: NetworkStack, key: kms.IKey
    ) -> eks.Cluster:
        public = spec.cluster.public_endpoint
        return eks.Cluster(
            self,
            "cluster",
            cluster_name=f"slipway-{environment.name}",
            version=eks.KubernetesVersion.of(environment.versions.kubernetes),
            vpc=network.vpc,
            vpc_subnets=[network.private],
            endpoint_access=eks.EndpointAccess.PUBLIC_AND_PRIVATE
            if public
            else eks.EndpointAccess.PRIVATE,
            service_ipv4_cidr=EKS_SERVICE_RANGE,
            secrets_encryption_key=key,
            # Our own are in the platform chart: the built-in ones can be neither pinned to a zone
            # nor kept from consolidating.
            compute=eks.ComputeConfig(node_pools=[]),
            # CloudFormation's role needs no way in: the kubectl provider has its own.
            bootstrap_cluster_creator_admin_permissions=False,
            cluster_logging=[
                eks.ClusterLoggingTypes.API,
                eks.ClusterLoggingTypes.AUDIT,
                eks.ClusterLoggingTypes.AUTHENTICATOR,
            ],
            kubectl_provider_options=eks.KubectlProviderOptions(
                kubectl_layer=KubectlV36Layer(self, "kubectl"),
                private_subnets=network.private_subnets,
            ),
        )

    def _node_role(self) -> iam.Role:
        """https://docs.aws.amazon.com/eks/latest/userguide/auto-learn-iam.html"""
        return iam.Role(
            self,
            "node-role",
            assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"),
            managed_policies=[
                iam.ManagedPolicy.from_aws_managed_policy_name(name)
                for name in (
                    "AmazonEKSWorkerNodeMinimalPolicy",
                    "AmazonEC2ContainerRegistryPullOnly",
                )
            ],
        )

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

    def _efs_driver(self, environment: Environment) -> eks.CfnAddon:
        role = pod_role(self, "efs-driver-role")
        role.add_managed_policy(
            iam.ManagedPolicy.from_aws_managed_policy_name("service-role/AmazonEFSCSIDriverPolicy")
        )
        return eks.CfnAddon(
            self,
            "efs-driver",
            addon_name=EFS_DRIVER,
            addon_version=environment.versions.addons.get(EFS_DRIVER),
            cluster_name=self.cluster.cluster_name,
            pod_identity_associations=[
                eks.CfnAddon.PodIdentityAssociationProperty(
                    service_account="efs-csi-controller-sa", role_arn=role.role_arn
                )
            ],
        )


def _protect(cluster: eks.Cluster) -> None:
    """From deletion by mistake, and from the bill.

    EXTENDED, the default, costs six times as much from the day standard support ends.
    """
    resource = cast(eks.CfnCluster, cluster.node.default_child)
    resource.upgrade_policy = eks.CfnCluster.UpgradePolicyProperty(support_type="STANDARD")
    resource.deletion_protection = True


def _add_administrators(cluster: eks.Cluster, spec: EksSpec) -> None:
    for arn in spec.cluster.admins:
        cluster.grant_access(arn, arn, [_cluster_wide("AmazonEKSClusterAdminPolicy")])


def _cluster_wide(policy: str) -> eks.IAccessPolicy:
    return eks.AccessPolicy.from_access_policy_name(
        policy, access_scope_type=eks.AccessScopeType.CLUSTER
    )
