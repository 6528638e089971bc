"""A role that pods take through EKS Pod Identity."""

from aws_cdk import aws_iam as iam
from constructs import Construct


class PodRole(iam.Role):
    """https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html"""

    def __init__(self, scope: Construct, id: str) -> None:
        pods = iam.ServicePrincipal("pods.eks.amazonaws.com")
        super().__init__(scope, id, assumed_by=pods.with_session_tags())
