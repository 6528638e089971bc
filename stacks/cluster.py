"""EKS Auto Mode, what it needs to mount homes, and the platform chart."""

from typing import cast

from aws_cdk import Stack
from aws_cdk import aws_eks_v2 as eks
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk.lambda_layer_kubectl_v36 import KubectlV36Layer
from constructs import Construct

from charts import rendering
from charts.deployed_values import EKS_SERVICE_RANGE, DeployedValues
from slipway.model import EksSpec, Environment
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
        key: kms.IKey,
        deployed: DeployedValues,
    ) -> None:
        super().__init__(scope, id, description="EKS Auto Mode. Disposable.")
        cluster = self._cluster(environment, spec, network, key)
        _protect(cluster)
        # The generated Python types of aws_eks_v2 do not say that a Cluster is an ICluster.
        self.cluster = cast(eks.ICluster, cluster)
        _add_administrators(cluster, spec)
        driver = self._efs_driver(environment)
        platform = KubernetesObjects(
            self,
            "platform",
            cluster=self.cluster,
            objects=rendering.objects(environment, deployed)[rendering.PLATFORM],
        )
        platform.node.add_dependency(driver)

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
            # Private ones only: the default node class places nodes in the cluster's subnets.
            vpc_subnets=[network.private],
            endpoint_access=eks.EndpointAccess.PUBLIC_AND_PRIVATE
            if public
            else eks.EndpointAccess.PRIVATE,
            service_ipv4_cidr=EKS_SERVICE_RANGE,
            secrets_encryption_key=key,
            compute=eks.ComputeConfig(
                node_pools=["system", "general-purpose"], node_role=self._node_role()
            ),
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
    everything = eks.AccessPolicy.from_access_policy_name(
        "AmazonEKSClusterAdminPolicy", access_scope_type=eks.AccessScopeType.CLUSTER
    )
    for arn in spec.cluster.admins:
        cluster.grant_access(arn, arn, [everything])
