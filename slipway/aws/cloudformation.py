"""CloudFormation stacks by their short names: what is there, and deleting it."""

import time
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from slipway.aws.account import AwsAccount, is_missing
from slipway.steps import StepError

LONGEST = 3600
"""Seconds: a cluster with its objects takes a quarter of an hour."""


def status(aws: AwsAccount, short: str) -> str | None:
    """None if there is no such stack."""
    try:
        found = aws.client("cloudformation").describe_stacks(StackName=aws.stack(short))
    except ClientError as error:
        if is_missing(error) or "does not exist" in str(error):
            return None
        raise
    state: str = found["Stacks"][0]["StackStatus"]
    return None if state == "DELETE_COMPLETE" else state


def resources(aws: AwsAccount, short: str) -> Iterator[dict[str, Any]]:
    """`{"ResourceType", "PhysicalResourceId", "LogicalResourceId", …}` of a stack, if it exists."""
    if status(aws, short) is None:
        return
    pages = aws.client("cloudformation").get_paginator("list_stack_resources")
    for page in pages.paginate(StackName=aws.stack(short)):
        for resource in page["StackResourceSummaries"]:
            if (
                resource.get("PhysicalResourceId")
                and resource["ResourceStatus"] != "DELETE_COMPLETE"
            ):
                yield resource


def physical_ids(aws: AwsAccount, short: str, type: str) -> list[str]:
    return [
        str(one["PhysicalResourceId"])
        for one in resources(aws, short)
        if one["ResourceType"] == type
    ]


def delete(aws: AwsAccount, short: str) -> str:
    """Delete a stack that may be there, or half gone, and wait for its end. Raises StepError."""
    if status(aws, short) is None:
        return "is gone"
    name, client = aws.stack(short), aws.client("cloudformation")
    client.delete_stack(StackName=name)
    end = time.monotonic() + LONGEST
    while (state := status(aws, short)) is not None:
        if state == "DELETE_FAILED":
            raise StepError(f"{name} could not be deleted: {_why(aws, name)}; run this again")
        if time.monotonic() > end:
            raise StepError(f"{name} is still {state} after an hour; run this again")
        time.sleep(pause(aws))
    return "deleted"


def pause(aws: AwsAccount) -> float:
    """Seconds between two looks: AWS does not like to be asked too often."""
    return 0.3 if is_emulated(aws) else 10


def is_emulated(aws: AwsAccount) -> bool:
    return "AWS_ENDPOINT_URL" in aws.variables


def _why(aws: AwsAccount, name: str) -> str:
    events = aws.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    reasons = [
        f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}"
        for event in events
        if event["ResourceStatus"] == "DELETE_FAILED"
    ]
    return "; ".join(reasons[:3]) or "CloudFormation does not say why"
