"""Which release really runs in an environment, asked where it runs."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway import facts
from slipway.model import EksSpec, Environment

if TYPE_CHECKING:
    from slipway.aws.account import AwsAccount

STACK_TAG = "slipway:release"
VERSION_LABEL = "app.kubernetes.io/version"
IN_ORDER = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")
DEPLOYMENTS = ("hub", "proxy")


class CannotAsk(Exception):  # noqa: N818 - reads as what it is where it is caught
    """What stands between us and the environment, and what to do about it."""


@dataclass(frozen=True)
class Deployed:
    """`release` is None where nothing is deployed, or several releases are at the same time."""

    release: str | None
    in_order: bool
    detail: str


def deployed(environment: Environment, place: "AwsAccount | None", seconds: int = 30) -> Deployed:
    """Raises CannotAsk, and what boto3 raises."""
    if place is None:
        return _of_deployments(environment, _deployments(environment, seconds))
    return _of_stacks({short: _stack(place, short) for short in stacks_of(environment.eks_spec)})


def stacks_of(spec: EksSpec) -> tuple[str, ...]:
    """The short names of the stacks that an environment has when it is whole."""
    return tuple(one for one in facts.STACKS if one != facts.PIPELINE_STACK or spec.github)


def _stack(place: "AwsAccount", short: str) -> dict[str, Any] | None:
    from botocore.exceptions import ClientError

    from slipway.aws.account import is_missing

    try:
        found = place.client("cloudformation").describe_stacks(StackName=place.stack(short))
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    stack: dict[str, Any] = {**found["Stacks"][0]}
    return None if stack["StackStatus"] == "DELETE_COMPLETE" else stack


def _of_stacks(stacks: dict[str, dict[str, Any] | None]) -> Deployed:
    releases = {short: _tag(stack) for short, stack in stacks.items() if stack}
    missing = [short for short, stack in stacks.items() if stack is None]
    unwell = [
        f"{short} is {stack['StackStatus']}"
        for short, stack in stacks.items()
        if stack and stack["StackStatus"] not in IN_ORDER
    ]
    one = set(releases.values())
    release = releases.get("hub") if len(one) == 1 else None
    if len(one) > 1:
        unwell += [f"{short} has {version or 'no release'}" for short, version in releases.items()]
    if not releases:
        return Deployed(None, False, "nothing is deployed")
    unwell += [f"{short} is not there" for short in missing]
    return Deployed(release, not unwell, "; ".join(unwell) or f"all stacks have {release}")


def _tag(stack: dict[str, Any]) -> str | None:
    return {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])}.get(STACK_TAG)


def _of_deployments(environment: Environment, found: dict[str, dict[str, Any]]) -> Deployed:
    unwell, releases = [], set()
    for name, deployment in found.items():
        template = deployment["spec"]["template"]
        releases.add(template["metadata"].get("labels", {}).get(VERSION_LABEL))
        wanted = deployment["spec"].get("replicas", 1)
        status = deployment.get("status", {})
        if status.get("updatedReplicas", 0) < wanted or status.get("availableReplicas", 0) < wanted:
            unwell.append(f"{name} is not available")
        images = [container["image"] for container in template["spec"]["containers"]]
        if environment.release and environment.image_reference(name) not in images:
            unwell.append(f"{name} runs {', '.join(images)}")
    unwell += [f"{name} is not there" for name in DEPLOYMENTS if name not in found]
    release = releases.pop() if len(releases) == 1 else None
    if not found:
        return Deployed(None, False, "nothing is deployed")
    return Deployed(release, not unwell, "; ".join(unwell) or f"hub and proxy are of {release}")


def _deployments(environment: Environment, seconds: int) -> dict[str, dict[str, Any]]:
    namespace = environment.cluster_spec.namespace
    answer = kubectl(
        "--namespace", namespace, "get", "deployments", "--output=json", seconds=seconds
    )
    try:
        items = json.loads(answer.stdout)["items"]
        return {i["metadata"]["name"]: i for i in items if i["metadata"]["name"] in DEPLOYMENTS}
    except (ValueError, KeyError, TypeError):
        raise CannotAsk(f"kubectl: {_last(answer.stderr) or 'no answer'}") from None


def kubectl(
    *arguments: str, stdin: str = "", seconds: int = 60
) -> subprocess.CompletedProcess[str]:
    """With the context that is chosen in this machine's kubeconfig. Raises CannotAsk."""
    program = shutil.which("kubectl") or shutil.which("kubectl", path=Path(sys.executable).parent)
    if program is None:
        raise CannotAsk("kubectl is missing: install your system's package")
    try:
        return subprocess.run(
            [program, f"--request-timeout={seconds}s", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds + 5,
        )
    except subprocess.TimeoutExpired:
        raise CannotAsk(f"the cluster does not answer within {seconds} s") from None


def _last(text: str) -> str:
    return text.strip().splitlines()[-1] if text.strip() else ""
