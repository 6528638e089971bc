"""Roles that pods take through EKS Pod Identity."""

from aws_cdk import aws_eks_v2 as eks
from aws_cdk import aws_iam as iam
from constructs import Construct


def pod_role(scope: Construct, id: str) -> iam.Role:
    """https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html"""
    pods = iam.ServicePrincipal("pods.eks.amazonaws.com")
    return iam.Role(scope, id, assumed_by=pods.with_session_tags())


def pod_identity(
    scope: Construct,
    id: str,
    *,
    cluster: eks.ICluster,
    namespace: str,
    account: str,
    role: iam.IRole,
) -> eks.CfnPodIdentityAssociation:
    """Gives pods of a service account a role. They get it when they are created, or never."""
    return eks.CfnPodIdentityAssociation(
        scope,
        id,
        cluster_name=cluster.cluster_name,
        namespace=namespace,
        service_account=account,
        role_arn=role.role_arn,
    )
