"""ECR: one repository for each image of any release, with every digest that one ever pinned."""

from aws_cdk import Duration
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from constructs import Construct

from slipway import facts
from slipway.model import Environment
from stacks.constructs.long_lived_stack import LongLivedStack
from stacks.constructs.permissions import PULL_ACTIONS, only_deploy_roles

BUILD_CACHE = "cache-*"
"""Tags of what a builder keeps for its next build."""


class RegistryStack(LongLivedStack):
    """The names assume one environment per account and region, as promotion does."""

    def __init__(self, scope: Construct, id: str, *, environment: Environment) -> None:
        super().__init__(scope, id, description="Images of every release. Never deleted.")
        promoting_accounts = environment.eks_spec.promotion.to
        for image in environment.repositories:
            repository = self._repository(image)
            if promoting_accounts:
                repository.add_to_resource_policy(_allow_pulling(promoting_accounts))

    def _repository(self, image: str) -> ecr.Repository:
        return ecr.Repository(
            self,
            image,
            repository_name=facts.repository_name(image),
            encryption=ecr.RepositoryEncryption.KMS,
            # Of the repository, not of the registry, whose settings are not ours alone.
            image_scan_on_push=True,
            image_tag_mutability=ecr.TagMutability.IMMUTABLE_WITH_EXCLUSION,
            image_tag_mutability_exclusion_filters=[
                ecr.ImageTagMutabilityExclusionFilter.wildcard(tag)
                for tag in (facts.WORKING_TREE, BUILD_CACHE)
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


def _allow_pulling(accounts: tuple[str, ...]) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid="PromotersMayPull",
        principals=[iam.AccountPrincipal(account) for account in accounts],
        actions=list(PULL_ACTIONS),
        conditions=only_deploy_roles(accounts),
    )
