"""`slipway teardown`: what costs money goes, what users made stays, and a report says so.

Every step looks at what is there and does what is left to do. So it can be stopped anywhere and run
again, and the report at its end is about what is there, not about what this run did.
"""

import time
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from slipway import facts
from slipway.aws import cloudformation as cloudformation
from slipway.aws import retained_data as retained_data
from slipway.aws.account import DISPOSABLE, LONG_LIVED, AwsAccount, is_missing
from slipway.aws.cluster import kubectl
from slipway.operate import orphaned_resources as made_by_controllers
from slipway.operate.leftovers import leftovers
from slipway.operate.purge import purge
from slipway.steps import Step, StepError, Steps

PATIENCE = 300
"""Seconds that a controller has to take away what it made, before we do."""


@dataclass
class OperationReport:
    steps: list[Step]
    gone: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    leftovers: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return all(step.ok for step in self.steps) and not self.leftovers

    def as_json(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "steps": [step.as_json() for step in self.steps],
            "gone": self.gone,
            "kept": self.kept,
            "leftovers": self.leftovers,
        }

    def __str__(self) -> str:
        parts = (("Gone", self.gone), ("Kept", self.kept), ("Left over", self.leftovers))
        return "\n".join(f"{what}: {', '.join(items) or 'nothing'}" for what, items in parts)


def teardown(aws: AwsAccount, steps: Steps, *, with_data: bool = False) -> OperationReport:
    """Raises StepError at the first step that fails; what came before it holds."""
    steps.run("account", aws.check)
    steps.run("users' servers", lambda: _stop_servers(aws))
    steps.run("hub database", lambda: _snapshot(aws))
    steps.run("homes", lambda: _back_up_homes(aws))
    steps.run("observability", lambda: cloudformation.delete(aws, "observability"))
    steps.run("hub", lambda: cloudformation.delete(aws, "hub"))
    steps.run("load balancers", lambda: _wait_then_remove(aws, "load balancer", "target group"))
    steps.run("protection", lambda: _unprotect(aws))
    steps.run("cluster", lambda: _delete_cluster(aws))
    steps.run("what controllers made", lambda: _wait_then_remove(aws))
    if with_data:
        purge(aws, steps)
    return report(aws, steps.done)


def plan(aws: AwsAccount) -> list[str]:
    """What `teardown` would do now: for `--dry-run`."""
    there = [short for short in DISPOSABLE if cloudformation.status(aws, short)]
    return [
        *(f"delete the stack {aws.stack(short)}" for short in there),
        *(f"remove {made}" for made in made_by_controllers.find(aws)),
        *(f"keep {what}" for what in retained_data.shown(aws)),
    ]


def report(aws: AwsAccount, done: list[Step]) -> OperationReport:
    return OperationReport(
        steps=done,
        gone=[
            aws.stack(short)
            for short in (*DISPOSABLE, *LONG_LIVED)
            if not cloudformation.status(aws, short)
        ],
        kept=retained_data.shown(aws),
        leftovers=leftovers(aws),
    )


def _stop_servers(aws: AwsAccount) -> str:
    if not cloudformation.status(aws, "hub"):
        # A cluster whose first deploy failed may not even know us.
        return "there is no hub"
    selector = ",".join(f"{k}={v}" for k, v in facts.component_labels(facts.USER_SERVER).items())
    namespace = aws.spec.namespace
    done = kubectl(
        aws, "delete", "pods", "--namespace", namespace, "--selector", selector, "--wait"
    )
    if done is None:
        return "there is no cluster"
    return f"{len(done.splitlines())} stopped" if "No resources" not in done else "none ran"


def _snapshot(aws: AwsAccount) -> str:
    """Not without it: the volume goes, and with it every user and token since the last snapshot."""
    if not cloudformation.status(aws, "hub"):
        return "there is no hub"
    namespace = ("--namespace", aws.spec.namespace)
    pods = kubectl(aws, "get", f"deployment/{facts.HUB}", *namespace, "--ignore-not-found")
    if not pods:
        return "there is no hub"
    command = ("--", "slipway-hub", "snapshot", "--occasion", "teardown")
    kubectl(aws, "exec", f"deployment/{facts.HUB}", *namespace, "-c", facts.HUB, *command)
    saved = retained_data.data(aws)
    return f"saved, {saved.users} users"


def _back_up_homes(aws: AwsAccount) -> str:
    """Beside the file system itself, which stays: so nobody waits for it."""
    arns = [
        f"arn:aws:elasticfilesystem:{aws.spec.region}:{aws.spec.account}:file-system/{id}"
        for id in cloudformation.physical_ids(aws, "data", "AWS::EFS::FileSystem")
    ]
    vaults = cloudformation.physical_ids(aws, "data", "AWS::Backup::BackupVault")
    roles = [
        one["PhysicalResourceId"]
        for one in cloudformation.resources(aws, "data")
        if one["ResourceType"] == "AWS::IAM::Role" and one["LogicalResourceId"].startswith("backup")
    ]
    if not (arns and vaults and roles) or not cloudformation.status(aws, "cluster"):
        return "nothing has changed since the last backup"
    job = aws.client("backup").start_backup_job(
        BackupVaultName=vaults[0],
        ResourceArn=arns[0],
        IamRoleArn=f"arn:aws:iam::{aws.spec.account}:role/{roles[0]}",
    )
    return f"backup {job['BackupJobId']} started"


def _unprotect(aws: AwsAccount) -> str:
    eks = aws.client("eks")
    try:
        cluster = eks.describe_cluster(name=aws.cluster)["cluster"]
        if not cluster.get("deletionProtection"):
            return "is off"
        update = eks.update_cluster_config(name=aws.cluster, deletionProtection=False)["update"]
        _wait_for_update(aws, update["id"])
    except ClientError as error:
        if is_missing(error):
            return "there is no cluster"
        raise
    return "switched off"


def _delete_cluster(aws: AwsAccount) -> str:
    """With its stack, or without: a first deploy that failed may have lost sight of it."""
    done, eks = cloudformation.delete(aws, "cluster"), aws.client("eks")
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


def _wait_for_update(aws: AwsAccount, update: str) -> None:
    eks, end = aws.client("eks"), time.monotonic() + PATIENCE
    while eks.describe_cluster(name=aws.cluster)["cluster"].get("deletionProtection"):
        if time.monotonic() > end:
            raise StepError(f"the update {update} of {aws.cluster} does not end; run this again")
        time.sleep(2)


def _wait_then_remove(aws: AwsAccount, *kinds: str) -> str:
    """Controllers take their time; what they forget is removed here."""
    end = time.monotonic() + (PATIENCE if cloudformation.status(aws, "cluster") else 0)
    while (found := _of(aws, kinds)) and time.monotonic() < end:
        time.sleep(5)
    failures = [f"{made}: {why}" for made in found if (why := made_by_controllers.remove(made))]
    if failures:
        raise StepError("; ".join(failures) + "; run this again in some minutes")
    return f"{len(found)} removed that their controller had left" if found else "none is left"


def _of(aws: AwsAccount, kinds: tuple[str, ...]) -> list[made_by_controllers.Made]:
    return [made for made in made_by_controllers.find(aws) if not kinds or made.kind in kinds]
