"""What outlives a teardown, and how it is shown to be the same afterwards."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from slipway.aws import cloudformation
from slipway.aws.account import LONG_LIVED, AwsAccount

SNAPSHOTS_PREFIX = "hub-database/"
SHOWN = {
    "AWS::EFS::FileSystem": "homes",
    "AWS::S3::Bucket": "bucket of snapshots",
    "AWS::Backup::BackupVault": "backup vault",
    "AWS::KMS::Key": "key",
    "AWS::EC2::VPC": "VPC",
}


@dataclass(frozen=True)
class RecoveryPoint:
    arn: str
    until: datetime | None = None
    """When AWS Backup deletes it by itself; None: never."""


@dataclass(frozen=True)
class Data:
    """What users would miss. None: the environment never had it."""

    file_system: str | None
    recovery_points: frozenset[RecoveryPoint]
    snapshots: int
    users: int | None
    """In the newest snapshot of the hub's database."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"recovery_points": len(self.recovery_points)}

    def is_kept_in(self, later: "Data", now: datetime) -> bool:
        """Whether nothing of it is missing later on, but for what has served its time."""
        due = {one.arn for one in self.recovery_points if not one.until or one.until > now}
        return (
            later.file_system == self.file_system
            and due <= {one.arn for one in later.recovery_points}
            and later.snapshots >= self.snapshots
            and (later.users or 0) >= (self.users or 0)
        )


def data(aws: AwsAccount) -> Data:
    file_systems = cloudformation.physical_ids(aws, "data", "AWS::EFS::FileSystem")
    buckets = cloudformation.physical_ids(aws, "data", "AWS::S3::Bucket")
    names = _snapshots(aws, buckets[0]) if buckets else []
    return Data(
        file_system=file_systems[0] if file_systems else None,
        recovery_points=frozenset(_recovery_points(aws)),
        snapshots=len(names),
        users=_users(aws, buckets[0], names[-1]) if names else None,
    )


def shown(aws: AwsAccount) -> list[str]:
    """In words, for a report."""
    kept = [
        f"{SHOWN[one['ResourceType']]} {one['PhysicalResourceId']}"
        for short in LONG_LIVED
        for one in cloudformation.resources(aws, short)
        if one["ResourceType"] in SHOWN
    ]
    for type, what in (
        ("AWS::SecretsManager::Secret", "secrets"),
        ("AWS::ECR::Repository", "repositories"),
    ):
        short = "data" if what == "secrets" else "registry"
        if count := len(cloudformation.physical_ids(aws, short, type)):
            kept.append(f"{count} {what}")
    return kept


def _snapshots(aws: AwsAccount, bucket: str) -> list[str]:
    """Keys, oldest first."""
    pages = aws.client("s3").get_paginator("list_objects_v2")
    found = [
        (item["LastModified"], item["Key"])
        for page in pages.paginate(Bucket=bucket, Prefix=SNAPSHOTS_PREFIX)
        for item in page.get("Contents", [])
        if re.search(r"\.sqlite$", item["Key"])
    ]
    return [key for _, key in sorted(found)]


def _users(aws: AwsAccount, bucket: str, key: str) -> int | None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "hub.sqlite"
        aws.client("s3").download_file(bucket, key, str(file))
        try:
            with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
                count: int = database.execute("SELECT COUNT(*) FROM users").fetchone()[0]
        except sqlite3.DatabaseError:
            return None
    return count


def _recovery_points(aws: AwsAccount) -> Iterator[RecoveryPoint]:
    """https://docs.aws.amazon.com/aws-backup/latest/devguide/API_RecoveryPointByBackupVault.html"""
    vaults = cloudformation.physical_ids(aws, "data", "AWS::Backup::BackupVault")
    pages = aws.client("backup").get_paginator("list_recovery_points_by_backup_vault")
    for vault in vaults:
        for page in pages.paginate(BackupVaultName=vault):
            for one in page.get("RecoveryPoints", []):
                until = one.get("CalculatedLifecycle", {}).get("DeleteAt")
                yield RecoveryPoint(one["RecoveryPointArn"], until)
