"""The role of pods, and statements of IAM policies that more than one role has."""

from collections.abc import Sequence

from aws_cdk import aws_iam as iam
from constructs import Construct

from slipway import facts
from slipway.model import Environment
from stacks.constructs.acknowledgements import acknowledge

PULL_ACTIONS = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:DescribeImageScanFindings",
    "ecr:DescribeImages",
    "ecr:GetDownloadUrlForLayer",
)


class PodRole(iam.Role):
    """A role that pods take through EKS Pod Identity:
    https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html
    """

    def __init__(self, scope: Construct, id: str) -> None:
        pods = iam.ServicePrincipal("pods.eks.amazonaws.com")
        super().__init__(scope, id, assumed_by=pods.with_session_tags())


def allow(
    role: iam.Role, actions: Sequence[str], *resources: str, wildcard_reason: str | None = None
) -> None:
    """Add a statement to a role's policy. `wildcard_reason`: why its resources may have a `*`, for
    cdk-nag."""
    role.add_to_policy(iam.PolicyStatement(actions=list(actions), resources=list(resources)))
    if wildcard_reason:
        for resource in resources:
            acknowledge(role, f"IAM5[Resource::{resource}]", wildcard_reason)


def allow_describing_stacks(role: iam.Role, environment: Environment, *more_actions: str) -> None:
    """Let a role read the state of an environment's stacks, and `more_actions` on them."""
    spec = environment.eks_spec
    stacks = facts.stack_name(environment.name, "*")
    allow(
        role,
        ("cloudformation:DescribeStacks", "cloudformation:ListStackResources", *more_actions),
        f"arn:aws:cloudformation:{spec.region}:{spec.account}:stack/{stacks}",
        wildcard_reason="a stack's ARN ends with an id that nobody knows beforehand",
    )


def repositories_arn(account: str, region: str) -> str:
    """The pattern of the ARNs of an environment's image repositories."""
    return f"arn:aws:ecr:{region}:{account}:repository/{facts.repository_name('*')}"


def only_deploy_roles(accounts: Sequence[str]) -> dict[str, dict[str, list[str]]]:
    """The condition that a caller is the deploy role of an environment in one of the accounts.

    A policy may only name roles that exist; a condition may name those to come.
    """
    name = facts.deploy_role_name("*")
    roles = [f"arn:aws:iam::{account}:role/{name}" for account in accounts]
    return {"ArnLike": {"aws:PrincipalArn": roles}}
