"""`slipway teardown --purge`: deletes the long-lived stacks with everything that users made.

These stacks are protected and retain their resources. So each is first updated so that its
resources may be deleted, and then deleted, by CloudFormation in its own order. A second run goes on
where the first one stopped.
"""

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from slipway import facts
from slipway.aws import cloudformation
from slipway.aws.account import AwsAccount
from slipway.steps import StepError, Steps

if TYPE_CHECKING:
    from types_boto3_s3.type_defs import ObjectIdentifierTypeDef

UPDATED = ("UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")


def purge(aws: AwsAccount, steps: Steps) -> None:
    """Delete the long-lived stacks, after a teardown. Raises StepError."""
    for stack in reversed(facts.LONG_LIVED_STACKS):
        steps.run(f"purge {stack}", partial(_purge, aws, stack))


def _purge(aws: AwsAccount, stack: str) -> str:
    if cloudformation.status(aws, stack) is None:
        return "is gone"
    aws.client("cloudformation").update_termination_protection(
        StackName=aws.stack(stack), EnableTerminationProtection=False
    )
    _allow_deletion(aws, stack)
    for bucket in cloudformation.physical_ids(aws, stack, "AWS::S3::Bucket"):
        _empty(aws, bucket)
    for vault in cloudformation.physical_ids(aws, stack, "AWS::Backup::BackupVault"):
        _delete_backups(aws, vault)
    return cloudformation.delete(aws, stack)


def _allow_deletion(aws: AwsAccount, stack: str) -> None:
    client, name = aws.client("cloudformation"), aws.stack(stack)
    body: Any = client.get_template(StackName=name)["TemplateBody"]
    template: dict[str, Any] = json.loads(body) if isinstance(body, str) else dict(body)
    mark = facts.PURGE_TAG
    if template.get("Metadata", {}).get(mark):
        return
    template["Metadata"] = {**template.get("Metadata", {}), mark: True}
    for resource in template["Resources"].values():
        resource["DeletionPolicy"] = "Delete"
        # CloudFormation takes no update that changes deletion policies alone.
        resource.setdefault("Metadata", {})[mark] = True
        if resource["Type"] == "AWS::ECR::Repository":
            resource["Properties"]["EmptyOnDelete"] = True
    parameters = client.describe_stacks(StackName=name)["Stacks"][0].get("Parameters", [])
    client.update_stack(
        StackName=name,
        TemplateBody=json.dumps(template),
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
        Parameters=[
            {"ParameterKey": parameter["ParameterKey"], "UsePreviousValue": True}
            for parameter in parameters
        ],
    )
    state = cloudformation.wait(
        aws, stack, lambda state: state in (None, *UPDATED) or "ROLLBACK" in str(state)
    )
    if state not in UPDATED:
        raise StepError(f"{name}: its resources could not be released for deletion: {state}")


def _empty(aws: AwsAccount, bucket: str) -> None:
    """Delete every version of every object: a versioned bucket keeps deleted ones."""
    s3 = aws.client("s3")
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        versions = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        if versions:
            objects: list[ObjectIdentifierTypeDef] = [
                {"Key": version["Key"], "VersionId": version["VersionId"]} for version in versions
            ]
            s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})


def _delete_backups(aws: AwsAccount, vault: str) -> None:
    backup = aws.client("backup")
    pages = backup.get_paginator("list_recovery_points_by_backup_vault")
    points = pages.paginate(BackupVaultName=vault).search("RecoveryPoints[].RecoveryPointArn")
    # All are listed before the first is deleted; a page of AWS without any is one None.
    for arn in list(filter(None, points)):
        try:
            backup.delete_recovery_point(BackupVaultName=vault, RecoveryPointArn=arn)
        except ClientError as error:
            raise StepError(f"{arn}: {error}; run this again") from error
