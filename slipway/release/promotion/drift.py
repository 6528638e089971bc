"""Whether somebody changed by hand what was deployed."""

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.model import Environment, Project
from slipway.release.promotion.deployed import CannotAsk, kubectl, stacks_of
from slipway.release.promotion.sides import Side

if TYPE_CHECKING:
    from slipway.aws.account import AwsAccount

LONGEST = 900
"""Seconds for CloudFormation to look at every resource of every stack."""
SHOWN = 5
_CHANGED = re.compile(r"^diff -u -N \S+ \S*/(\S+)$", re.MULTILINE)


def gate(project: Project, source: Side, target: Side) -> tuple[bool, str]:
    if source.place:
        return of_stacks(source.place, LONGEST)
    return of_cluster(project.root, source.environment)


def of_stacks(place: "AwsAccount", longest: float) -> tuple[bool, str]:
    """CloudFormation's drift detection on every stack. Raises what boto3 raises.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html
    """
    client, spec = place.client("cloudformation"), place.spec
    started = {
        short: client.detect_stack_drift(StackName=place.stack(short))["StackDriftDetectionId"]
        for short in stacks_of(spec)
    }
    end = time.monotonic() + longest
    problems = []
    for short, detection in started.items():
        if problem := _problem(place, short, _ended(place, detection, end)):
            problems.append(problem)
    return not problems, "; ".join(problems) or f"{len(started)} stacks are as they were deployed"


def _ended(place: "AwsAccount", detection: str, end: float) -> dict[str, Any]:
    from slipway.aws.cloudformation import poll_seconds

    client = place.client("cloudformation")
    while True:
        found: dict[str, Any] = {
            **client.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
        }
        if found["DetectionStatus"] != "DETECTION_IN_PROGRESS" or time.monotonic() > end:
            return found
        time.sleep(poll_seconds(place))


def _problem(place: "AwsAccount", short: str, found: dict[str, Any]) -> str:
    """Nothing if the stack is known to be in sync: a check that did not end shows nothing."""
    name, status = place.stack(short), found.get("StackDriftStatus", "UNKNOWN")
    if found["DetectionStatus"] != "DETECTION_COMPLETE":
        why = found.get("DetectionStatusReason") or found["DetectionStatus"]
        return f"{name} could not be checked: {why}"
    if status == "IN_SYNC":
        return ""
    if status != "DRIFTED":
        return f"{name} is {status}"
    drifts = place.client("cloudformation").describe_stack_resource_drifts(
        StackName=name, StackResourceDriftStatusFilters=["MODIFIED", "DELETED"]
    )["StackResourceDrifts"]
    shown = [f"{one['LogicalResourceId']} {one['StackResourceDriftStatus']}" for one in drifts]
    return f"{name} has drifted: {', '.join(shown[:SHOWN])}"


def of_cluster(root: Path, environment: Environment) -> tuple[bool, str]:
    """`kubectl diff` of what the release renders.

    Raises CannotAsk, and InvalidProject where the code at hand renders something else.
    """
    from slipway.release.code import check_code
    from slipway.render import yaml_text

    check_code(root, environment)
    answer = kubectl("diff", "--filename=-", stdin=yaml_text(environment), seconds=120)
    if answer.returncode == 0:
        return True, "the cluster has what the release renders"
    if answer.returncode > 1:
        raise CannotAsk(f"kubectl diff: {answer.stderr.strip()}")
    changed = _CHANGED.findall(answer.stdout)
    more = f" and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
    return False, f"others than the release renders: {', '.join(changed[:SHOWN])}{more}"
