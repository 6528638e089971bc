"""The release that really runs in an environment, as its stacks or its cluster say."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slipway.facts import HUB, HUB_STACK, PIPELINE_STACK, PROXY, RELEASE_TAG, STACKS, VERSION_LABEL
from slipway.model import EksSpec, Environment
from slipway.toolchain import kubectl

if TYPE_CHECKING:
    from types_boto3_cloudformation.type_defs import StackTypeDef

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
    return of_stacks(deployed_stacks(aws))


def stacks_of(spec: EksSpec) -> tuple[str, ...]:
    """The short names of the stacks that an environment has when it is whole."""
    return tuple(stack for stack in STACKS if stack != PIPELINE_STACK or spec.github)


def deployed_stacks(aws: "AwsAccount") -> "dict[str, StackTypeDef | None]":
    """The stacks that an environment has when it is whole, by their short names."""
    from slipway.aws.cloudformation import describe

    return {short: describe(aws, short) for short in stacks_of(aws.spec)}


def release_of(stack: "StackTypeDef") -> str | None:
    return {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])}.get(RELEASE_TAG)


def of_stacks(stacks: "Mapping[str, StackTypeDef | None]") -> DeployedRelease:
    releases = {short: release_of(stack) for short, stack in stacks.items() if stack}
    problems = [
        f"{short} is {stack['StackStatus']}"
        for short, stack in stacks.items()
        if stack and stack["StackStatus"] not in COMPLETE
    ]
    return _summary(releases, problems, stacks, HUB_STACK, "all stacks have")


def _of_deployments(environment: Environment, deployments: dict[str, Any]) -> DeployedRelease:
    releases, problems = {}, []
    for name, deployment in deployments.items():
        template = deployment["spec"]["template"]
        releases[name] = template["metadata"].get("labels", {}).get(VERSION_LABEL)
        wanted = deployment["spec"].get("replicas", 1)
        status = deployment.get("status", {})
        if status.get("updatedReplicas", 0) < wanted or status.get("availableReplicas", 0) < wanted:
            problems.append(f"{name} is not available")
        images = [container["image"] for container in template["spec"]["containers"]]
        if environment.release and environment.image_reference(name) not in images:
            problems.append(f"{name} runs {', '.join(images)}")
    return _summary(releases, problems, DEPLOYMENTS, HUB, "hub and proxy are of")


def _summary(
    releases: dict[str, str | None], problems: list[str], whole: Iterable[str], hub: str, good: str
) -> DeployedRelease:
    """Of an environment that consists of `whole`: the release of `hub` if all parts have it."""
    if not releases:
        return DeployedRelease(None, False, "nothing is deployed")
    same = len(set(releases.values())) == 1
    if not same:
        problems += [f"{name} has {release or 'no release'}" for name, release in releases.items()]
    problems += [f"{name} is not there" for name in whole if name not in releases]
    release = releases.get(hub) if same else None
    return DeployedRelease(release, not problems, "; ".join(problems) or f"{good} {release}")


def _deployments(environment: Environment, seconds: int) -> dict[str, Any]:
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
