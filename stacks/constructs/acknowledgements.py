"""Findings of cdk-nag that are accepted, each with its reason, next to what they are about."""

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct

RULES = "AwsSolutions::AwsSolutions"


def acknowledge(construct: IConstruct, finding: str, reason: str) -> None:
    """Accept a finding about a construct and what is inside it.

    `finding` is written as cdk-nag's report names it: `S1`, `IAM5[Resource::*]`.
    """
    Validations.of(construct).acknowledge(Acknowledgment(id=f"{RULES}-{finding}", reason=reason))


def acknowledge_managed_policies(construct: IConstruct, *policies: str) -> None:
    """Accept AWS's managed policies. AWS widens them when a new version of its controller needs
    more: a copy of ours would break a cluster that is upgraded."""
    for policy in policies:
        acknowledge(
            construct,
            f"IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/{policy}]",
            "AWS documents this policy for this program, and keeps it up with it",
        )
