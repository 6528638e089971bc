"""`slipway teardown`: deletes what costs money, keeps what users made, and reports both.

Every step looks at what exists and does the rest. So a teardown can be interrupted anywhere and run
again, and its report is about what exists at its end, not about what this run did.
"""

import operator
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from slipway import facts
from slipway.aws import cloudformation, retained_data
from slipway.aws.account import AwsAccount, is_missing
from slipway.operate import hub, orphaned_resources
from slipway.operate.leftovers import leftovers
from slipway.operate.orphaned_resources import OrphanedResource
from slipway.operate.purge import purge
from slipway.steps import Step, StepError, Steps, poll

CONTROLLER_SECONDS = 300
"""How long the cluster's controllers may take to delete what they made, before we do."""
UPDATE_SECONDS = 300
"""How long EKS may take to change a cluster's settings."""


@dataclass
class OperationReport:
    """What a teardown or a recreation did, and what exists after it."""

    steps: list[Step]
    gone: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    leftovers: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return all(step.ok for step in self.steps) and not self.leftovers

    def as_json(self) -> dict[str, Any]:
        return {"ok": self.ok, **asdict(self)}

    def __str__(self) -> str:
        parts = (("Gone", self.gone), ("Kept", self.kept), ("Left over", self.leftovers))
        return "\n".join(f"{what}: {', '.join(items) or 'nothing'}" for what, items in parts)


def teardown(aws: AwsAccount, steps: Steps, *, with_data: bool = False) -> OperationReport:
    """Delete the disposable stacks, and all others `with_data`.

    Raises StepError at the first step that fails; the steps before it stay done.
    """
    steps.run("account", aws.check)
    steps.run("users' servers", lambda: hub.stop_servers(aws))
    steps.run("hub database", lambda: _snapshot(aws))
    steps.run("homes", lambda: _back_up_homes(aws))
    for stack in (facts.OBSERVABILITY_STACK, facts.HUB_STACK):
        steps.run(stack, partial(cloudformation.delete, aws, stack))
    steps.run("load balancers", lambda: _remove_orphans(aws, "load balancer", "target group"))
    steps.run("protection", lambda: _unprotect(aws))
    steps.run("cluster", lambda: _delete_cluster(aws))
    steps.run("what controllers made", lambda: _remove_orphans(aws))
    if with_data:
        purge(aws, steps)
    there = cloudformation.existing(aws, facts.STACKS)
    return OperationReport(
        steps=steps.done,
        gone=[aws.stack(stack) for stack in reversed(facts.STACKS) if stack not in there],
        kept=retained_data.described(aws),
        leftovers=leftovers(aws),
    )


def plan(aws: AwsAccount) -> list[str]:
    """What `teardown` would do now: for `--dry-run`."""
    stacks = cloudformation.existing(aws, reversed(facts.DISPOSABLE_STACKS))
    return [
        *(f"delete the stack {aws.stack(stack)}" for stack in stacks),
        *(f"remove {orphan}" for orphan in orphaned_resources.find(aws)),
        *(f"keep {what}" for what in retained_data.described(aws)),
    ]


def _snapshot(aws: AwsAccount) -> str:
    """Save the hub's database to the bucket, before its volume is deleted."""
    if not hub.snapshot(aws, "teardown"):
        return "there is no hub"
    return f"saved, {retained_data.data(aws).users} users"


def _back_up_homes(aws: AwsAccount) -> str:
    """Start a backup. The file system itself is kept, so nobody waits for the end."""
    data = facts.DATA_STACK
    homes = cloudformation.physical_ids(aws, data, "AWS::EFS::FileSystem")
    vaults = cloudformation.physical_ids(aws, data, "AWS::Backup::BackupVault")
    roles = [
        resource["PhysicalResourceId"]
        for resource in cloudformation.resources(aws, data)
        if resource["ResourceType"] == "AWS::IAM::Role"
        and resource["LogicalResourceId"].startswith("backup")
    ]
    if not (homes and vaults and roles):
        return "there are no homes to back up"
    if not cloudformation.status(aws, facts.CLUSTER_STACK):
        return "there is no cluster: nothing has changed since the last backup"
    region, account = aws.spec.region, aws.spec.account
    job = aws.client("backup").start_backup_job(
        BackupVaultName=vaults[0],
        ResourceArn=f"arn:aws:elasticfilesystem:{region}:{account}:file-system/{homes[0]}",
        IamRoleArn=f"arn:aws:iam::{account}:role/{roles[0]}",
    )
    return f"backup {job['BackupJobId']} started"


def _unprotect(aws: AwsAccount) -> str:
    """Switch the cluster's deletion protection off."""
    eks, name = aws.client("eks"), aws.cluster

    def is_protected() -> bool:
        return eks.describe_cluster(name=name)["cluster"].get("deletionProtection", False)

    try:
        if not is_protected():
            return "is off"
        update = eks.update_cluster_config(name=name, deletionProtection=False)["update"]
        if poll(is_protected, operator.not_, UPDATE_SECONDS, 2):
            raise StepError(f"the update {update['id']} of {name} does not end; run this again")
    except ClientError as error:
        if is_missing(error):
            return "there is no cluster"
        raise
    return "switched off"


def _delete_cluster(aws: AwsAccount) -> str:
    """Delete the stack, and the cluster if the stack of a failed first deploy has lost it."""
    done, eks = cloudformation.delete(aws, facts.CLUSTER_STACK), aws.client("eks")
    try:
        eks.delete_cluster(name=aws.cluster)
        eks.get_waiter("cluster_deleted").wait(name=aws.cluster)
    except ClientError as error:
        if is_missing(error):
            return done
        raise
    except WaiterError as error:
        raise StepError(f"{aws.cluster} does not go ({error}); run this again") from error
    return "deleted, though its stack no longer knew it"


def _remove_orphans(aws: AwsAccount, *kinds: str) -> str:
    """Wait for the cluster's controllers, then remove what they left. All kinds by default."""

    def find() -> list[OrphanedResource]:
        found = orphaned_resources.find(aws)
        return [orphan for orphan in found if not kinds or orphan.kind in kinds]

    has_cluster = cloudformation.status(aws, facts.CLUSTER_STACK)
    left = poll(find, operator.not_, CONTROLLER_SECONDS if has_cluster else 0, 5)
    failures = [f"{orphan}: {why}" for orphan in left if (why := orphan.remove())]
    if failures:
        raise StepError("; ".join(failures) + "; run this again in some minutes")
    return f"{len(left)} orphaned resources removed" if left else "none is left"
