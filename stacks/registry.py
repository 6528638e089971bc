"""ECR: one repository per image, with every digest a release ever pinned."""

from aws_cdk import aws_ecr as ecr
from constructs import Construct

from slipway.model import Environment
from slipway.model.environment import WORKING_TREE
from slipway.model.release import HUB_IMAGES
from stacks.long_lived import LongLivedStack

NAMESPACE = "slipway"


class RegistryStack(LongLivedStack):
    """No image expires: a rollback may need any of them."""

    def __init__(self, scope: Construct, id: str, *, environment: Environment) -> None:
        super().__init__(scope, id, description="Images of every release. Never deleted.")
        for image in built_here(environment):
            ecr.Repository(
                self,
                image,
                repository_name=f"{NAMESPACE}/{image}",
                image_tag_mutability=ecr.TagMutability.IMMUTABLE_WITH_EXCLUSION,
                image_tag_mutability_exclusion_filters=[
                    ecr.ImageTagMutabilityExclusionFilter.wildcard(WORKING_TREE)
                ],
            )


def built_here(environment: Environment) -> tuple[str, ...]:
    """Every image of the environment that does not live in another registry."""
    images = environment.catalog.images
    return (*HUB_IMAGES, *(name for name, image in images.items() if image.reference is None))
