"""`slipway teardown`: what costs money goes, what users made stays, and a report says so.

Every step looks at what is there and does what is left to do. So it can be stopped anywhere and run
again, and the report at its end is about what is there, not about what this run did.
"""

import time
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from charts import names
from slipway import facts
from slipway.aws import cloudformation as cloudformation
from slipway.aws import retained_data as retained_data
from slipway.aws.account import DISPOSABLE, LONG_LIVED, Place, is_missing
from slipway.aws.cluster import kubectl
from slipway.operate import orphaned_resources as made_by_controllers
from slipway.operate.leftovers import leftovers
from slipway.operate.purge import purge
from slipway.steps import Step, StepError, Steps

PATIENCE = 300
"""Seconds that a controller has to take away what it made, before we do."""


@dataclass
class Report:
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


def teardown(place: Place, steps: Steps, *, with_data: bool = False) -> Report:
    """Raises StepError at the first step that fails; what came before it holds."""
    steps.run("account", place.check)
    steps.run("users' servers", lambda: _stop_servers(place))
    steps.run("hub database", lambda: _snapshot(place))
    steps.run("homes", lambda: _back_up_homes(place))
    steps.run("observability", lambda: cloudformation.delete(place, "observability"))
    steps.run("hub", lambda: cloudformation.delete(place, "hub"))
    steps.run("load balancers", lambda: _wait_then_remove(place, "load balancer", "target group"))
    steps.run("protection", lambda: _unprotect(place))
    steps.run("cluster", lambda: _delete_cluster(place))
    steps.run("what controllers made", lambda: _wait_then_remove(place))
    if with_data:
        purge(place, steps)
    return report(place, steps.done)


def plan(place: Place) -> list[str]:
    """What `teardown` would do now: for `--dry-run`."""
    there = [short for short in DISPOSABLE if cloudformation.status(place, short)]
    return [
        *(f"delete the stack {place.stack(short)}" for short in there),
        *(f"remove {made}" for made in made_by_controllers.find(place)),
        *(f"keep {what}" for what in retained_data.shown(place)),
    ]


def report(place: Place, done: list[Step]) -> Report:
    return Report(
        steps=done,
        gone=[
            place.stack(short)
            for short in (*DISPOSABLE, *LONG_LIVED)
            if not cloudformation.status(place, short)
        ],
        kept=retained_data.shown(place),
        leftovers=leftovers(place),
    )


def _stop_servers(place: Place) -> str:
    if not cloudformation.status(place, "hub"):
        # A cluster whose first deploy failed may not even know us.
        return "there is no hub"
    selector = ",".join(f"{k}={v}" for k, v in names.component(facts.USER_SERVER).items())
    namespace = place.spec.namespace
    done = kubectl(
        place, "delete", "pods", "--namespace", namespace, "--selector", selector, "--wait"
    )
    if done is None:
        return "there is no cluster"
    return f"{len(done.splitlines())} stopped" if "No resources" not in done else "none ran"


def _snapshot(place: Place) -> str:
    """Not without it: the volume goes, and with it every user and token since the last snapshot."""
    if not cloudformation.status(place, "hub"):
        return "there is no hub"
    namespace = ("--namespace", place.spec.namespace)
    pods = kubectl(place, "get", f"deployment/{facts.HUB}", *namespace, "--ignore-not-found")
    if not pods:
        return "there is no hub"
    command = ("--", "slipway-hub", "snapshot", "--occasion", "teardown")
    kubectl(place, "exec", f"deployment/{facts.HUB}", *namespace, "-c", facts.HUB, *command)
    saved = retained_data.data(place)
    return f"saved, {saved.users} users"


def _back_up_homes(place: Place) -> str:
    """Beside the file system itself, which stays: so nobody waits for it."""
    arns = [
        f"arn:aws:elasticfilesystem:{place.spec.region}:{place.spec.account}:file-system/{id}"
        for id in cloudformation.physical_ids(place, "data", "AWS::EFS::FileSystem")
    ]
    vaults = cloudformation.physical_ids(place, "data", "AWS::Backup::BackupVault")
    roles = [
        one["PhysicalResourceId"]
        for one in cloudformation.resources(place, "data")
        if one["ResourceType"] == "AWS::IAM::Role" and one["LogicalResourceId"].startswith("backup")
    ]
    if not (arns and vaults and roles) or not cloudformation.status(place, "cluster"):
        return "nothing has changed since the last backup"
    job = place.client("backup").start_backup_job(
        BackupVaultName=vaults[0],
        ResourceArn=arns[0],
        IamRoleArn=f"arn:aws:iam::{place.spec.account}:role/{roles[0]}",
    )
    return f"backup {job['BackupJobId']} started"


def _unprotect(place: Place) -> str:
    eks = place.client("eks")
    try:
        cluster = eks.describe_cluster(name=place.cluster)["cluster"]
        if not cluster.get("deletionProtection"):
            return "is off"
        update = eks.update_cluster_config(name=place.cluster, deletionProtection=False)["update"]
        _wait_for_update(place, update["id"])
    except ClientError as error:
        if is_missing(error):
            return "there is no cluster"
        raise
    return "switched off"


def _delete_cluster(place: Place) -> str:
    """With its stack, or without: a first deploy that failed may have lost sight of it."""
    done, eks = cloudformation.delete(place, "cluster"), place.client("eks")
    try:
        eks.delete_cluster(name=place.cluster)
        eks.get_waiter("cluster_deleted").wait(name=place.cluster)
    except ClientError as error:
        if is_missing(error):
            return done
        raise
    except WaiterError as error:
        raise StepError(f"{place.cluster} does not go ({error}); run this again") from error
    return "deleted, though its stack no longer knew it"


def _wait_for_update(place: Place, update: str) -> None:
    eks, end = place.client("eks"), time.monotonic() + PATIENCE
    while eks.describe_cluster(name=place.cluster)["cluster"].get("deletionProtection"):
        if time.monotonic() > end:
            raise StepError(f"the update {update} of {place.cluster} does not end; run this again")
        time.sleep(2)


def _wait_then_remove(place: Place, *kinds: str) -> str:
    """Controllers take their time; what they forget is removed here."""
    end = time.monotonic() + (PATIENCE if cloudformation.status(place, "cluster") else 0)
    while (found := _of(place, kinds)) and time.monotonic() < end:
        time.sleep(5)
    failures = [f"{made}: {why}" for made in found if (why := made_by_controllers.remove(made))]
    if failures:
        raise StepError("; ".join(failures) + "; run this again in some minutes")
    return f"{len(found)} removed that their controller had left" if found else "none is left"


def _of(place: Place, kinds: tuple[str, ...]) -> list[made_by_controllers.Made]:
    return [made for made in made_by_controllers.find(place) if not kinds or made.kind in kinds]
