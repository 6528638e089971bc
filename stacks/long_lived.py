"""The stacks that survive a teardown."""

from typing import Any

from aws_cdk import RemovalPolicies, Stack
from constructs import Construct


class LongLivedStack(Stack):
    """Refuses to be deleted, and deletes nothing that leaves it.

    A resource whose own creation is rolled back does go: kept, its name would be in the way of the
    next try.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
    """

    def __init__(self, scope: Construct, id: str, **options: Any) -> None:
        super().__init__(scope, id, termination_protection=True, **options)
        RemovalPolicies.of(self).retain_on_update_or_delete()
