"""Roles that pods take through EKS Pod Identity."""

from aws_cdk import aws_iam as iam
from constructs import Construct


def pod_role(scope: Construct, id: str) -> iam.Role:
    """https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html"""
    pods = iam.ServicePrincipal("pods.eks.amazonaws.com")
    return iam.Role(scope, id, assumed_by=pods.with_session_tags())
