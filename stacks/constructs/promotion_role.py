"""The role that other accounts take to look at an environment before they promote from it."""

from aws_cdk import aws_iam as iam
from constructs import Construct

from slipway import facts
from slipway.model import Environment
from stacks.constructs.acknowledgements import acknowledge_managed_policies
from stacks.constructs.permissions import (
    PULL_ACTIONS,
    allow,
    allow_describing_stacks,
    only_deploy_roles,
    repositories_arn,
)

DRIFT_ACTIONS = (
    "cloudformation:DescribeStackResourceDrifts",
    "cloudformation:DetectStackDrift",
    "cloudformation:DetectStackResourceDrift",
)
SECURITY_AUDIT = "SecurityAudit"
"""Settings of every kind of resource and no content: CloudFormation compares them as who asks.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html"""


class PromotionRole(iam.Role):
    """Sees an environment's stacks with their drift, and its images. For the deploy roles of the
    accounts in `promotion.to`."""

    def __init__(self, scope: Construct, id: str, *, environment: Environment) -> None:
        spec = environment.eks_spec
        callers = only_deploy_roles(spec.promotion.to)
        super().__init__(
            scope,
            id,
            role_name=facts.promotion_role_name(environment.name),
            description="Looks at what runs here before it is promoted elsewhere",
            assumed_by=iam.CompositePrincipal(
                *(
                    iam.PrincipalWithConditions(iam.AccountPrincipal(account), callers)
                    for account in spec.promotion.to
                )
            ),
            managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name(SECURITY_AUDIT)],
        )
        acknowledge_managed_policies(self, SECURITY_AUDIT)
        allow_describing_stacks(self, environment, *DRIFT_ACTIONS)
        allow(
            self,
            PULL_ACTIONS,
            repositories_arn(spec.account, spec.region),
            wildcard_reason="the repositories are those of the catalog",
        )
        allow(
            self,
            ("cloudformation:DescribeStackDriftDetectionStatus", "ecr:GetAuthorizationToken"),
            "*",
            wildcard_reason="neither can be narrowed to a resource",
        )
