"""What a rehearsal does with an environment. Each raises StepError if it comes out wrong."""

from typing import Any

from slipway import facts
from slipway.aws import cloudformation
from slipway.aws.account import AwsAccount
from slipway.operate.leftovers import leftovers
from slipway.rehearse.controllers import USERS
from slipway.rehearse.rehearsal import Rehearsal
from slipway.steps import StepError

UNATTENDED = ("--require-approval", "never", "--concurrency", "1")
RETENTION = 90
"""Days, of a cluster's logs: what is changed by hand, and back."""


def bootstrap(rehearsal: Rehearsal, aws: AwsAccount) -> str:
    spec = aws.spec
    rehearsal.cdk(aws, "bootstrap", f"aws://{spec.account}/{spec.region}")
    if zone := spec.hosted_zone:
        # It is there beforehand. Its id is Route 53's to choose, so the project's is replaced.
        route53 = aws.client("route53")
        made = route53.create_hosted_zone(Name=zone.name, CallerReference=zone.name)["HostedZone"]
        rehearsal.project.replace(aws.name, zone.id, made["Id"].rpartition("/")[2])
    return f"account {spec.account}"


def prepare(rehearsal: Rehearsal, aws: AwsAccount, *stacks: str) -> str:
    """Deploy some stacks alone: what has to be there before a release can come."""
    rehearsal.cdk(aws, "deploy", *(f"{aws.name}/{stack}" for stack in stacks), *UNATTENDED)
    return " and ".join(stacks)


def publish(rehearsal: Rehearsal, aws: AwsAccount) -> str:
    prepare(rehearsal, aws, facts.REGISTRY_STACK)
    rehearsal.publish(aws)
    return "stand-ins for the images are in the registry"


def deploy(rehearsal: Rehearsal, aws: AwsAccount) -> str:
    rehearsal.cdk(aws, "deploy", f"{aws.name}/*", *UNATTENDED)
    stacks = cloudformation.existing(aws, facts.STACKS)
    return f"{len(stacks)} stacks, {len(rehearsal.cluster(aws).objects())} Kubernetes objects"


def empty_diff(rehearsal: Rehearsal, aws: AwsAccount) -> str:
    rehearsal.cdk(aws, "diff", f"{aws.name}/*", "--fail", "--method", "template")
    return "nothing differs from what was deployed"


def change_by_hand(aws: AwsAccount, days: int = 1) -> str:
    """What a stack made, outside of it. Returns the log group's name."""
    group = cloudformation.physical_ids(aws, facts.CLUSTER_STACK, "AWS::Logs::LogGroup")[0]
    aws.client("logs").put_retention_policy(logGroupName=group, retentionInDays=days)
    return group


def cdk_drift(rehearsal: Rehearsal, aws: AwsAccount) -> str:
    """`cdk drift` finds what somebody changed by hand."""
    group = change_by_hand(aws)
    stack = f"{aws.name}/{facts.CLUSTER_STACK}"
    found = rehearsal.cdk(aws, "drift", stack, "--fail", may_fail=True)
    change_by_hand(aws, RETENTION)
    if "RetentionInDays" not in found:
        raise StepError(f"cdk drift does not see the changed log group: {found}")
    return f"found at {group}"


def teardown(rehearsal: Rehearsal, aws: AwsAccount) -> str:
    labels = facts.component_labels(facts.USER_SERVER)
    for user in USERS:
        rehearsal.cluster(aws).start_server(aws.spec.namespace, user, labels)
    report = rehearsal.slipway(aws, "teardown", aws.name, "--yes")
    stopped = _detail(report, "users' servers")
    if not stopped.startswith(str(len(USERS))):
        raise StepError(f"{len(USERS)} servers ran, {stopped}")
    rehearsal.forget_cluster(aws)
    return f"{len(report['gone'])} stacks gone, {len(report['kept'])} things kept"


def _detail(report: dict[str, Any], name: str) -> str:
    """Of a step in what a command printed."""
    return next(str(step["detail"]) for step in report["steps"] if step["name"] == name)


def no_leftovers(aws: AwsAccount, left: list[str]) -> str:
    """`left` gets them."""
    left += leftovers(aws)
    if left:
        raise StepError(", ".join(left))
    return "0"


def recreate(rehearsal: Rehearsal, aws: AwsAccount) -> str:
    return _detail(rehearsal.slipway(aws, "recreate", aws.name), "the same data")


def settings(rehearsal: Rehearsal, aws: AwsAccount) -> str:
    """The hub's, as its cluster holds them. Raises StepError."""
    for item in rehearsal.cluster(aws).objects():
        if item["metadata"]["name"] == facts.HUB_SETTINGS:
            return str(item["data"][facts.HUB_SETTINGS_FILE])
    raise StepError("the hub has no settings")
