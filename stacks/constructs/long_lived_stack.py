"""The base of stacks that survive a teardown."""

from aws_cdk import RemovalPolicies, Stack
from constructs import Construct


class LongLivedStack(Stack):
    """Refuses to be deleted, and keeps resources that leave it.

    A resource whose own creation is rolled back does go: its name would be in the way of the next
    deploy.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
    """

    def __init__(self, scope: Construct, id: str, *, description: str) -> None:
        super().__init__(scope, id, description=description, termination_protection=True)
        RemovalPolicies.of(self).retain_on_update_or_delete()
