"""Whether somebody changed by hand what was deployed."""

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.model import Environment, Project
from slipway.release.promotion.access import EnvironmentAccess
from slipway.release.promotion.deployed import stacks_of
from slipway.toolchain import kubectl

if TYPE_CHECKING:
    from slipway.aws.account import AwsAccount

LONGEST = 900
"""Seconds for CloudFormation to look at every resource of every stack."""
SHOWN = 5
_CHANGED = re.compile(r"^diff -u -N \S+ \S*/(\S+)$", re.MULTILINE)


def gate(
    project: Project, source: EnvironmentAccess, target: EnvironmentAccess
) -> tuple[bool, str]:
    if source.aws:
        return of_stacks(source.aws, LONGEST)
    return of_cluster(project.root, source.environment)


def of_stacks(aws: "AwsAccount", longest: float) -> tuple[bool, str]:
    """CloudFormation's drift detection on every stack. Raises what boto3 raises.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html
    """
    client, spec = aws.client("cloudformation"), aws.spec
    started = {
        short: client.detect_stack_drift(StackName=aws.stack(short))["StackDriftDetectionId"]
        for short in stacks_of(spec)
    }
    end = time.monotonic() + longest
    problems = []
    for short, detection in started.items():
        if problem := _problem(aws, short, _ended(aws, detection, end)):
            problems.append(problem)
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


def _problem(aws: "AwsAccount", short: str, found: dict[str, Any]) -> str:
    """Nothing if the stack is known to be in sync: a check that did not end shows nothing."""
    name, status = aws.stack(short), found.get("StackDriftStatus", "UNKNOWN")
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


def of_cluster(root: Path, environment: Environment) -> tuple[bool, str]:
    """`kubectl diff` of what the release's own code renders.

    Raises KubectlError, StepError, and InvalidProject where that code is not here.
    """
    from slipway.release.checkout import manifests

    text = manifests(root, environment)
    answer = kubectl.run("diff", "--filename=-", stdin=text, timeout=120, check=False)
    if answer.returncode == 0:
        return True, "the cluster has what the release renders"
    if answer.returncode > 1:
        raise kubectl.KubectlError(f"kubectl diff: {answer.stderr.strip()}")
    changed = _CHANGED.findall(answer.stdout)
    more = f" and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
    return False, f"others than the release renders: {', '.join(changed[:SHOWN])}{more}"
