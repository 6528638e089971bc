"""Findings of cdk-nag that we know of, each with its reason, next to what they are about."""

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct

RULES = "AwsSolutions::AwsSolutions"


def acknowledge(about: IConstruct, finding: str, reason: str) -> None:
    """`finding` as its report names it: `S1`, `IAM5[Resource::*]`. It holds for what is
    inside the construct too."""
    Validations.of(about).acknowledge(Acknowledgment(id=f"{RULES}-{finding}", reason=reason))


def aws_writes_this_policy(about: IConstruct, *policies: str) -> None:
    """AWS widens its own policies when a new version of its controller needs more: a copy of ours
    would break a cluster that is upgraded."""
    for policy in policies:
        acknowledge(
            about,
            f"IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/{policy}]",
            "AWS documents this policy for this program, and keeps it up with it",
        )
