"""Whether somebody changed by hand what was deployed."""

import re
import time
from typing import TYPE_CHECKING, Any

from slipway.release.promotion.access import EnvironmentAccess
from slipway.release.promotion.deployed import stacks_of
from slipway.toolchain import kubectl

if TYPE_CHECKING:
    from slipway.aws.account import AwsAccount

LONGEST = 900
"""Seconds for CloudFormation to look at every resource of every stack."""
SHOWN = 5
_CHANGED = re.compile(r"^diff -u -N \S+ \S*/(\S+)$", re.MULTILINE)


def gate(source: EnvironmentAccess, target: EnvironmentAccess) -> tuple[bool, str]:
    return of_stacks(source.aws, LONGEST) if source.aws else of_cluster(source)


def of_stacks(aws: "AwsAccount", longest: float) -> tuple[bool, str]:
    """CloudFormation's drift detection on every stack. Raises what boto3 raises.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html
    """
    client = aws.client("cloudformation")
    started = {
        name: client.detect_stack_drift(StackName=name)["StackDriftDetectionId"]
        for name in map(aws.stack, stacks_of(aws.spec))
    }
    end = time.monotonic() + longest
    found = [_problem(aws, name, _ended(aws, id, end)) for name, id in started.items()]
    problems = list(filter(None, found))
    return not problems, "; ".join(problems) or f"{len(started)} stacks are as they were deployed"


def _ended(aws: "AwsAccount", detection: str, end: float) -> dict[str, Any]:
    from slipway.aws.cloudformation import poll_seconds

    client = aws.client("cloudformation")
    while True:
        found: dict[str, Any] = {
            **client.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
        }
        if found["DetectionStatus"] != "DETECTION_IN_PROGRESS" or time.monotonic() > end:
            return found
        time.sleep(poll_seconds(aws))


def _problem(aws: "AwsAccount", name: str, found: dict[str, Any]) -> str:
    """Empty if the stack is known to be in sync: a check that did not end shows nothing."""
    status = found.get("StackDriftStatus", "UNKNOWN")
    if found["DetectionStatus"] != "DETECTION_COMPLETE":
        why = found.get("DetectionStatusReason") or found["DetectionStatus"]
        return f"{name} could not be checked: {why}"
    if status == "IN_SYNC":
        return ""
    if status != "DRIFTED":
        return f"{name} is {status}"
    drifts = aws.client("cloudformation").describe_stack_resource_drifts(
        StackName=name, StackResourceDriftStatusFilters=["MODIFIED", "DELETED"]
    )["StackResourceDrifts"]
    shown = [f"{one['LogicalResourceId']} {one['StackResourceDriftStatus']}" for one in drifts]
    return f"{name} has drifted: {', '.join(shown[:SHOWN])}"


def of_cluster(source: EnvironmentAccess) -> tuple[bool, str]:
    """`kubectl diff` of what the release's own code renders.

    Raises KubectlError, StepError, and InvalidProject where that code is not here.
    """
    from slipway.release.checkout import manifests

    text = manifests(source.root, source.environment)
    answer = kubectl.run("diff", "--filename=-", stdin=text, timeout=120, check=False)
    if answer.returncode == 0:
        return True, "the cluster has what the release renders"
    if answer.returncode > 1:
        raise kubectl.KubectlError(f"kubectl diff: {answer.stderr.strip()}")
    changed = _CHANGED.findall(answer.stdout)
    more = f" and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
    return False, f"others than the release renders: {', '.join(changed[:SHOWN])}{more}"
