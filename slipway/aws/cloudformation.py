"""CloudFormation stacks of an environment, by their names in `facts.STACKS`."""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from slipway.aws.account import AwsAccount, is_missing
from slipway.steps import StepError, poll

if TYPE_CHECKING:
    from types_boto3_cloudformation.type_defs import StackResourceSummaryTypeDef, StackTypeDef

TIMEOUT = 3600
"""Seconds for one stack: a cluster with its objects takes a quarter of an hour."""


def describe(aws: AwsAccount, stack: str) -> "StackTypeDef | None":
    """None if there is no such stack."""
    try:
        answer = aws.client("cloudformation").describe_stacks(StackName=aws.stack(stack))
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    description = answer["Stacks"][0]
    return None if description["StackStatus"] == "DELETE_COMPLETE" else description


def status(aws: AwsAccount, stack: str) -> str | None:
    """None if there is no such stack."""
    description = describe(aws, stack)
    return description["StackStatus"] if description else None


def existing(aws: AwsAccount, stacks: Iterable[str]) -> list[str]:
    """Those of these stacks that there are."""
    return [stack for stack in stacks if status(aws, stack)]


def output(aws: AwsAccount, stack: str, key: str) -> str:
    """The value of a stack's output; empty without such an output.

    Raises ClientError without the stack.
    """
    found = aws.client("cloudformation").describe_stacks(StackName=aws.stack(stack))
    outputs = found["Stacks"][0].get("Outputs", [])
    return next((entry["OutputValue"] for entry in outputs if entry["OutputKey"] == key), "")


def resources(aws: AwsAccount, stack: str) -> Iterator["StackResourceSummaryTypeDef"]:
    """The resources that a stack has now; none without the stack."""
    if status(aws, stack) is None:
        return
    pages = aws.client("cloudformation").get_paginator("list_stack_resources")
    for page in pages.paginate(StackName=aws.stack(stack)):
        for resource in page["StackResourceSummaries"]:
            if (
                resource.get("PhysicalResourceId")
                and resource["ResourceStatus"] != "DELETE_COMPLETE"
            ):
                yield resource


def physical_ids(aws: AwsAccount, stack: str, type: str) -> list[str]:
    """Physical ids of a stack's resources of a type (`AWS::S3::Bucket`)."""
    return [
        str(resource["PhysicalResourceId"])
        for resource in resources(aws, stack)
        if resource["ResourceType"] == type
    ]


def delete(aws: AwsAccount, stack: str) -> str:
    """Delete a stack that may be there, or half gone, and wait for its end. Raises StepError."""
    if status(aws, stack) is None:
        return "is gone"
    name = aws.stack(stack)
    aws.client("cloudformation").delete_stack(StackName=name)
    state = wait(aws, stack, lambda state: state in (None, "DELETE_FAILED"))
    if state == "DELETE_FAILED":
        raise StepError(f"{name} could not be deleted: {_why(aws, name)}; run this again")
    if state:
        raise StepError(f"{name} is still {state} after an hour; run this again")
    return "deleted"


def wait(aws: AwsAccount, stack: str, is_last: Callable[[str | None], bool]) -> str | None:
    """The first status that `is_last`, or the one that the stack has after an hour."""
    return poll(lambda: status(aws, stack), is_last, TIMEOUT, poll_seconds(aws))


def poll_seconds(aws: AwsAccount) -> float:
    """Seconds between two looks at a stack: AWS limits how often it may be asked."""
    return 0.3 if is_emulated(aws) else 10


def is_emulated(aws: AwsAccount) -> bool:
    """Whether this is the emulator of a rehearsal."""
    return "AWS_ENDPOINT_URL" in aws.variables


def _why(aws: AwsAccount, name: str) -> str:
    events = aws.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    reasons = [
        f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}"
        for event in events
        if event["ResourceStatus"] == "DELETE_FAILED"
    ]
    return "; ".join(reasons[:3]) or "CloudFormation does not say why"
