"""`slipway teardown --purge`: the only way to what users made.

The stacks that stay refuse to be deleted and would delete nothing. So each is first told, by an
update of nothing else, that its resources may go, and then deleted: in CloudFormation's own order.
Run again, it goes on where it was.
"""

import json
import time
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from slipway.aws import cloudformation
from slipway.aws.account import Place
from slipway.steps import StepError, Steps

ORDER = ("pipeline", "data", "network", "registry")
"""What names another stack's things before that one."""
MARK = "slipway:purge"
"""CloudFormation takes no update that changes deletion policies alone: this comes with it."""
UPDATED = ("UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")


def purge(place: Place, steps: Steps) -> None:
    """After a teardown. Raises StepError."""
    for short in ORDER:
        steps.run(f"purge {short}", partial(_purge, place, short))


def _purge(place: Place, short: str) -> str:
    if cloudformation.status(place, short) is None:
        return "is gone"
    client, name = place.client("cloudformation"), place.stack(short)
    client.update_termination_protection(StackName=name, EnableTerminationProtection=False)
    _let_go(place, short)
    for bucket in cloudformation.physical_ids(place, short, "AWS::S3::Bucket"):
        _empty(place, bucket)
    for vault in cloudformation.physical_ids(place, short, "AWS::Backup::BackupVault"):
        _forget_backups(place, vault)
    return cloudformation.delete(place, short)


def _let_go(place: Place, short: str) -> None:
    client, name = place.client("cloudformation"), place.stack(short)
    template = client.get_template(StackName=name)["TemplateBody"]
    template = json.loads(template) if isinstance(template, str) else dict(template)
    if template.get("Metadata", {}).get(MARK):
        return
    template["Metadata"] = {**template.get("Metadata", {}), MARK: True}
    for resource in template["Resources"].values():
        resource["DeletionPolicy"] = "Delete"
        resource.setdefault("Metadata", {})[MARK] = True
        if resource["Type"] == "AWS::ECR::Repository":
            resource["Properties"]["EmptyOnDelete"] = True
    parameters = client.describe_stacks(StackName=name)["Stacks"][0].get("Parameters", [])
    client.update_stack(
        StackName=name,
        TemplateBody=json.dumps(template),
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
        Parameters=[
            {"ParameterKey": one["ParameterKey"], "UsePreviousValue": True} for one in parameters
        ],
    )
    _wait_for_update(place, short)


def _wait_for_update(place: Place, short: str) -> None:
    end = time.monotonic() + cloudformation.LONGEST
    while (state := cloudformation.status(place, short)) not in UPDATED:
        if state is None or "ROLLBACK" in state or time.monotonic() > end:
            raise StepError(f"{place.stack(short)} did not let go of what it has: {state}")
        time.sleep(cloudformation.pause(place))


def _empty(place: Place, bucket: str) -> None:
    """Of every version: a versioned bucket keeps what is deleted."""
    s3 = place.client("s3")
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        versions = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        objects = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in versions]
        if objects:
            s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})


def _forget_backups(place: Place, vault: str) -> None:
    backup = place.client("backup")
    pages = backup.get_paginator("list_recovery_points_by_backup_vault")
    points: list[dict[str, Any]] = [
        point
        for page in pages.paginate(BackupVaultName=vault)
        for point in page.get("RecoveryPoints", [])
    ]
    for point in points:
        try:
            backup.delete_recovery_point(
                BackupVaultName=vault, RecoveryPointArn=point["RecoveryPointArn"]
            )
        except ClientError as error:
            raise StepError(f"{point['RecoveryPointArn']}: {error}; run this again") from error
