"""The stacks that survive a teardown."""

from typing import Any

from aws_cdk import RemovalPolicies, Stack
from constructs import Construct


class LongLivedStack(Stack):
    """Refuses to be deleted, and deletes nothing that leaves it."""

    def __init__(self, scope: Construct, id: str, **options: Any) -> None:
        super().__init__(scope, id, termination_protection=True, **options)
        RemovalPolicies.of(self).retain()
