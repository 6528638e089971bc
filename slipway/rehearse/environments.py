"""What a rehearsal does with an environment. Each raises StepError if it comes out wrong."""

from typing import Any

from slipway import facts
from slipway.aws import cloudformation
from slipway.aws.account import AwsAccount
from slipway.operate.leftovers import leftovers
from slipway.rehearse.controllers import USERS
from slipway.rehearse.stage import Stage
from slipway.steps import StepError

UNATTENDED = ("--require-approval", "never", "--concurrency", "1")
RETENTION = 90
"""Days, of a cluster's logs: what is changed by hand, and back."""


def bootstrap(stage: Stage, aws: AwsAccount) -> str:
    spec = aws.spec
    stage.cdk(aws, "bootstrap", f"aws://{spec.account}/{spec.region}")
    if spec.hosted_zone:
        _make_zone(stage, aws, spec.hosted_zone.id, spec.hosted_zone.name)
    return f"account {spec.account}"


def _make_zone(stage: Stage, aws: AwsAccount, id: str, name: str) -> None:
    """A zone is there beforehand. Its id is Route 53's to choose, so ours is replaced."""
    made = aws.client("route53").create_hosted_zone(Name=name, CallerReference=name)
    stage.project.replace(aws.name, id, made["HostedZone"]["Id"].rpartition("/")[2])


def prepare(stage: Stage, aws: AwsAccount, *stacks: str) -> str:
    """Deploy some stacks alone: what has to be there before a release can come."""
    stage.cdk(aws, "deploy", *(f"{aws.name}/{stack}" for stack in stacks), *UNATTENDED)
    return " and ".join(stacks)


def publish(stage: Stage, aws: AwsAccount) -> str:
    prepare(stage, aws, "registry")
    stage.publish(aws)
    return "stand-ins for the images are in the registry"


def deploy(stage: Stage, aws: AwsAccount) -> str:
    stage.cdk(aws, "deploy", f"{aws.name}/*", *UNATTENDED)
    found = [stack for stack in facts.STACKS if cloudformation.status(aws, stack)]
    objects = sum(1 for _ in stage.cluster(aws).objects())
    return f"{len(found)} stacks, {objects} Kubernetes objects"


def empty_diff(stage: Stage, aws: AwsAccount) -> str:
    stage.cdk(aws, "diff", f"{aws.name}/*", "--fail", "--method", "template")
    return "nothing differs from what was deployed"


def change_by_hand(aws: AwsAccount, days: int = 1) -> str:
    """What a stack made, outside of it. Returns the log group's name."""
    group = cloudformation.physical_ids(aws, "cluster", "AWS::Logs::LogGroup")[0]
    aws.client("logs").put_retention_policy(logGroupName=group, retentionInDays=days)
    return group


def drift(stage: Stage, aws: AwsAccount) -> str:
    """Somebody changes what a stack made."""
    group = change_by_hand(aws)
    found = stage.cdk(aws, "drift", f"{aws.name}/cluster", "--fail", may_fail=True)
    change_by_hand(aws, RETENTION)
    if not found or "RetentionInDays" not in found:
        raise StepError(f"cdk drift does not see the changed log group: {found}")
    return f"found at {group}"


def teardown(stage: Stage, aws: AwsAccount) -> str:
    labels = facts.component_labels(facts.USER_SERVER)
    for user in USERS:
        stage.cluster(aws).start_server(aws.spec.namespace, user, labels)
    found = stage.slipway(aws, "teardown", aws.name, "--yes").fields
    stopped = _detail(found, "users' servers")
    if not stopped.startswith(str(len(USERS))):
        raise StepError(f"{len(USERS)} servers ran, {stopped}")
    stage.forget_cluster(aws)
    return f"{len(found['gone'])} stacks gone, {len(found['kept'])} things kept"


def _detail(report: dict[str, Any], name: str) -> str:
    """Of a step in what a command printed."""
    return next(str(step["detail"]) for step in report["steps"] if step["name"] == name)


def no_leftovers(aws: AwsAccount, left: list[str]) -> str:
    """`left` gets them."""
    left += leftovers(aws)
    if left:
        raise StepError(", ".join(left))
    return "0"


def recreate(stage: Stage, aws: AwsAccount) -> str:
    return _detail(stage.slipway(aws, "recreate", aws.name).fields, "the same data")


def states(aws: AwsAccount) -> dict[str, str | None]:
    """Of an environment's stacks."""
    return {stack: cloudformation.status(aws, stack) for stack in facts.STACKS}


def settings(stage: Stage, aws: AwsAccount) -> str:
    """The hub's, as its cluster holds them. Raises StepError."""
    for item in stage.cluster(aws).objects():
        if item["metadata"]["name"] == facts.HUB_SETTINGS:
            return str(item["data"][facts.HUB_SETTINGS_FILE])
    raise StepError("the hub has no settings")
