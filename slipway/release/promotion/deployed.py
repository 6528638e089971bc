"""The release that really runs in an environment, as its stacks or its cluster say."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slipway.facts import HUB, HUB_STACK, PIPELINE_STACK, PROXY, RELEASE_TAG, STACKS, VERSION_LABEL
from slipway.model import EksSpec, Environment
from slipway.toolchain import kubectl

if TYPE_CHECKING:
    from slipway.aws.account import AwsAccount

COMPLETE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")
"""States of a stack that is as its template says."""
DEPLOYMENTS = (HUB, PROXY)


@dataclass(frozen=True)
class DeployedRelease:
    """`release` is None where nothing is deployed, or several releases are at the same time."""

    release: str | None
    in_order: bool
    detail: str


def deployed_release(
    environment: Environment, aws: "AwsAccount | None", seconds: int = 30
) -> DeployedRelease:
    """Raises KubectlError, and what boto3 raises."""
    if aws is None:
        return _of_deployments(environment, _deployments(environment, seconds))
    return _of_stacks({short: _stack(aws, short) for short in stacks_of(environment.eks_spec)})


def stacks_of(spec: EksSpec) -> tuple[str, ...]:
    """The short names of the stacks that an environment has when it is whole."""
    return tuple(one for one in STACKS if one != PIPELINE_STACK or spec.github)


def _stack(aws: "AwsAccount", short: str) -> dict[str, Any] | None:
    from botocore.exceptions import ClientError

    from slipway.aws.account import is_missing

    try:
        found = aws.client("cloudformation").describe_stacks(StackName=aws.stack(short))
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    stack: dict[str, Any] = {**found["Stacks"][0]}
    return None if stack["StackStatus"] == "DELETE_COMPLETE" else stack


def _of_stacks(stacks: dict[str, dict[str, Any] | None]) -> DeployedRelease:
    releases = {short: _release(stack) for short, stack in stacks.items() if stack}
    if not releases:
        return DeployedRelease(None, False, "nothing is deployed")
    problems = [
        f"{short} is {stack['StackStatus']}"
        for short, stack in stacks.items()
        if stack and stack["StackStatus"] not in COMPLETE
    ]
    same = len(set(releases.values())) == 1
    release = releases.get(HUB_STACK) if same else None
    if not same:
        problems += [f"{short} has {one or 'no release'}" for short, one in releases.items()]
    problems += [f"{short} is not there" for short, stack in stacks.items() if stack is None]
    return DeployedRelease(
        release, not problems, "; ".join(problems) or f"all stacks have {release}"
    )


def _release(stack: dict[str, Any]) -> str | None:
    return {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])}.get(RELEASE_TAG)


def _of_deployments(environment: Environment, found: dict[str, dict[str, Any]]) -> DeployedRelease:
    if not found:
        return DeployedRelease(None, False, "nothing is deployed")
    problems, releases = [], set()
    for name, deployment in found.items():
        template = deployment["spec"]["template"]
        releases.add(template["metadata"].get("labels", {}).get(VERSION_LABEL))
        wanted = deployment["spec"].get("replicas", 1)
        status = deployment.get("status", {})
        if status.get("updatedReplicas", 0) < wanted or status.get("availableReplicas", 0) < wanted:
            problems.append(f"{name} is not available")
        images = [container["image"] for container in template["spec"]["containers"]]
        if environment.release and environment.image_reference(name) not in images:
            problems.append(f"{name} runs {', '.join(images)}")
    problems += [f"{name} is not there" for name in DEPLOYMENTS if name not in found]
    release = releases.pop() if len(releases) == 1 else None
    return DeployedRelease(
        release, not problems, "; ".join(problems) or f"hub and proxy are of {release}"
    )


def _deployments(environment: Environment, seconds: int) -> dict[str, dict[str, Any]]:
    answer = kubectl.run(
        f"--request-timeout={seconds}s",
        f"--namespace={environment.cluster_spec.namespace}",
        "get",
        "deployments",
        "--output=json",
        timeout=seconds + 5,
    )
    try:
        items = json.loads(answer.stdout)["items"]
        return {i["metadata"]["name"]: i for i in items if i["metadata"]["name"] in DEPLOYMENTS}
    except (ValueError, KeyError, TypeError):
        raise kubectl.KubectlError("kubectl: no answer that is known") from None
