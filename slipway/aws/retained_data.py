"""The data of an environment that survives a teardown, and whether all of it is there later."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from slipway_hub.snapshots import BucketSnapshots

from slipway import facts
from slipway.aws import cloudformation
from slipway.aws.account import AwsAccount

DESCRIPTIONS = {
    "AWS::EFS::FileSystem": "homes",
    "AWS::S3::Bucket": "bucket of snapshots",
    "AWS::Backup::BackupVault": "backup vault",
    "AWS::KMS::Key": "key",
    "AWS::EC2::VPC": "VPC",
}
"""Of resources that are listed one by one."""


@dataclass(frozen=True)
class RecoveryPoint:
    """A backup of the homes in AWS Backup."""

    arn: str
    until: datetime | None = None
    """When AWS Backup deletes it; None: never."""


@dataclass(frozen=True)
class Data:
    """Data that users would miss. None: the environment never had it."""

    file_system: str | None
    recovery_points: frozenset[RecoveryPoint]
    snapshots: int
    users: int | None
    """In the newest snapshot of the hub's database."""

    def __str__(self) -> str:
        return (
            f"homes {self.file_system}, {len(self.recovery_points)} recovery points, "
            f"{self.snapshots} snapshots, {self.users} users"
        )

    def is_kept_in(self, later: "Data", now: datetime) -> bool:
        """Whether nothing of it is missing later on. Recovery points that are due may be."""
        due = {point.arn for point in self.recovery_points if not point.until or point.until > now}
        return (
            later.file_system == self.file_system
            and due <= {point.arn for point in later.recovery_points}
            and later.snapshots >= self.snapshots
            and (later.users or 0) >= (self.users or 0)
        )


def data(aws: AwsAccount) -> Data:
    """The environment's data now."""
    file_systems = cloudformation.physical_ids(aws, facts.DATA_STACK, "AWS::EFS::FileSystem")
    buckets = cloudformation.physical_ids(aws, facts.DATA_STACK, "AWS::S3::Bucket")
    names: list[str] = []
    if buckets:
        prefix = facts.SNAPSHOTS_PREFIX.strip("/")
        snapshots = BucketSnapshots(buckets[0], prefix, aws.client("s3"))
        names = snapshots.names()
    return Data(
        file_system=file_systems[0] if file_systems else None,
        recovery_points=frozenset(_recovery_points(aws)),
        snapshots=len(names),
        users=_users(snapshots, names[-1]) if names else None,
    )


def described(aws: AwsAccount) -> list[str]:
    """What the long-lived stacks have, in words."""
    kept = [
        f"{DESCRIPTIONS[resource['ResourceType']]} {resource['PhysicalResourceId']}"
        for stack in facts.LONG_LIVED_STACKS
        for resource in cloudformation.resources(aws, stack)
        if resource["ResourceType"] in DESCRIPTIONS
    ]
    for stack, type, what in (
        (facts.DATA_STACK, "AWS::SecretsManager::Secret", "secrets"),
        (facts.REGISTRY_STACK, "AWS::ECR::Repository", "repositories"),
    ):
        if count := len(cloudformation.physical_ids(aws, stack, type)):
            kept.append(f"{count} {what}")
    return kept


def _users(snapshots: BucketSnapshots, name: str) -> int | None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "hub.sqlite"
        snapshots.get(name, file)
        try:
            with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
                count: int = database.execute("SELECT COUNT(*) FROM users").fetchone()[0]
        except sqlite3.DatabaseError:
            return None
    return count


def _recovery_points(aws: AwsAccount) -> Iterator[RecoveryPoint]:
    """https://docs.aws.amazon.com/aws-backup/latest/devguide/API_RecoveryPointByBackupVault.html"""
    vaults = cloudformation.physical_ids(aws, facts.DATA_STACK, "AWS::Backup::BackupVault")
    pages = aws.client("backup").get_paginator("list_recovery_points_by_backup_vault")
    for vault in vaults:
        for page in pages.paginate(BackupVaultName=vault):
            for point in page.get("RecoveryPoints", []):
                until = point.get("CalculatedLifecycle", {}).get("DeleteAt")
                yield RecoveryPoint(point["RecoveryPointArn"], until)
