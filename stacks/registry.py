"""ECR: one repository per image of any release, with every digest one ever pinned."""

from aws_cdk import Duration
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from constructs import Construct

from slipway.facts import WORKING_TREE
from slipway.model import EksSpec, Environment
from stacks.long_lived import LongLivedStack

NAMESPACE = "slipway"
BUILD_CACHE = "cache-*"
"""Tags of what a builder keeps for its next build."""
PULL = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:DescribeImageScanFindings",
    "ecr:DescribeImages",
    "ecr:GetDownloadUrlForLayer",
)


class RegistryStack(LongLivedStack):
    """The names assume one environment per account and region, as promotion does."""

    def __init__(
        self, scope: Construct, id: str, *, environment: Environment, spec: EksSpec
    ) -> None:
        super().__init__(scope, id, description="Images of every release. Never deleted.")
        for image in environment.repositories:
            repository = self._repository(image)
            if spec.promotion.to:
                repository.add_to_resource_policy(_promoters_may_pull(spec.promotion.to))

    def _repository(self, image: str) -> ecr.Repository:
        return ecr.Repository(
            self,
            image,
            repository_name=f"{NAMESPACE}/{image}",
            encryption=ecr.RepositoryEncryption.KMS,
            # Of the repository, not of the registry, whose settings are not ours alone.
            image_scan_on_push=True,
            image_tag_mutability=ecr.TagMutability.IMMUTABLE_WITH_EXCLUSION,
            image_tag_mutability_exclusion_filters=[
                ecr.ImageTagMutabilityExclusionFilter.wildcard(tag)
                for tag in (WORKING_TREE, BUILD_CACHE)
            ],
            # A release pins digests, whatever their tags, and ECR cannot know it: so nothing
            # expires but what says by its tag that it is a cache.
            lifecycle_rules=[
                ecr.LifecycleRule(
                    rule_priority=1,
                    description="Build caches",
                    tag_pattern_list=[BUILD_CACHE],
                    max_image_age=Duration.days(30),
                )
            ],
        )


def promotion_role(account: str) -> str:
    """ARNs of the roles that promote to an environment in `account`, as `pipeline.py` names them.

    A policy may only name roles that exist; a condition may name those to come.
    """
    return f"arn:aws:iam::{account}:role/{NAMESPACE}-*-deploy"


def _promoters_may_pull(accounts: tuple[str, ...]) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid="PromotersMayPull",
        principals=[iam.AccountPrincipal(account) for account in accounts],
        actions=list(PULL),
        conditions={
            "ArnLike": {"aws:PrincipalArn": [promotion_role(account) for account in accounts]}
        },
    )
