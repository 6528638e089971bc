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
from slipway.aws.account import AwsAccount
from slipway.steps import StepError, Steps

ORDER = ("pipeline", "data", "network", "registry")
"""What names another stack's things before that one."""
MARK = "slipway:purge"
"""CloudFormation takes no update that changes deletion policies alone: this comes with it."""
UPDATED = ("UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")


def purge(aws: AwsAccount, steps: Steps) -> None:
    """After a teardown. Raises StepError."""
    for short in ORDER:
        steps.run(f"purge {short}", partial(_purge, aws, short))


def _purge(aws: AwsAccount, short: str) -> str:
    if cloudformation.status(aws, short) is None:
        return "is gone"
    client, name = aws.client("cloudformation"), aws.stack(short)
    client.update_termination_protection(StackName=name, EnableTerminationProtection=False)
    _let_go(aws, short)
    for bucket in cloudformation.physical_ids(aws, short, "AWS::S3::Bucket"):
        _empty(aws, bucket)
    for vault in cloudformation.physical_ids(aws, short, "AWS::Backup::BackupVault"):
        _forget_backups(aws, vault)
    return cloudformation.delete(aws, short)


def _let_go(aws: AwsAccount, short: str) -> None:
    client, name = aws.client("cloudformation"), aws.stack(short)
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
    _wait_for_update(aws, short)


def _wait_for_update(aws: AwsAccount, short: str) -> None:
    end = time.monotonic() + cloudformation.LONGEST
    while (state := cloudformation.status(aws, short)) not in UPDATED:
        if state is None or "ROLLBACK" in state or time.monotonic() > end:
            raise StepError(f"{aws.stack(short)} did not let go of what it has: {state}")
        time.sleep(cloudformation.pause(aws))


def _empty(aws: AwsAccount, bucket: str) -> None:
    """Of every version: a versioned bucket keeps what is deleted."""
    s3 = aws.client("s3")
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        versions = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        objects = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in versions]
        if objects:
            s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})


def _forget_backups(aws: AwsAccount, vault: str) -> None:
    backup = aws.client("backup")
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
