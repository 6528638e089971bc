"""Records of what was done to environments: smoke tests, promotions, rollbacks.

They are in the environment's data bucket on AWS, else in a folder of the project.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import TypeAdapter, ValidationError

from slipway import files
from slipway.facts import DATA_STACK, RECORDS_PREFIX, STATE_FOLDER
from slipway.model import Environment
from slipway.steps import StepError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

    from slipway.aws.account import AwsAccount

Operation = Literal["smoke", "promotion", "rollback"]
TIMESTAMP = "%Y%m%dT%H%M%S.%fZ"


@dataclass(frozen=True)
class OperationRecord:
    """One operation on an environment. `fields` is what its command prints with `--json`."""

    kind: Operation
    environment: str
    release: str
    """A version, or `working-tree`."""
    at: datetime
    """In UTC."""
    ok: bool
    fields: Mapping[str, Any]

    def key(self) -> str:
        """Its path below the store's root. Keys of one kind sort by time."""
        return f"{_prefix(self.kind, self.environment)}{self.at.astimezone(UTC):{TIMESTAMP}}.json"

    def text(self) -> str:
        values = {**vars(self), "at": self.at.astimezone(UTC).isoformat()}
        return json.dumps(values, indent=2)

    @classmethod
    def parse(cls, content: bytes, where: str) -> "OperationRecord":
        """Raises ValueError, which says `where`, if it is not what `text` writes."""
        try:
            return TypeAdapter(cls).validate_json(content, strict=True)
        except ValidationError as error:
            raise ValueError(f"{where} is not a record: {error.errors()[0]['msg']}") from error


@dataclass(frozen=True)
class FileRecordStore:
    """A folder of the project, for environments that are not on AWS."""

    root: Path

    def add(self, record: OperationRecord) -> str:
        """Returns where it is, for people."""
        target = self.root / record.key()
        target.parent.mkdir(parents=True, exist_ok=True)
        files.write(target, record.text())
        return str(target)

    def newest_first(self, kind: Operation, environment: str) -> Iterator[OperationRecord]:
        """Raises ValueError at one that cannot be read."""
        folder = self.root / _prefix(kind, environment)
        for file in sorted(folder.glob("[!.]*.json"), reverse=True):
            yield OperationRecord.parse(file.read_bytes(), str(file))


@dataclass(frozen=True)
class S3RecordStore:
    """One object per record in a bucket, which is never written again."""

    client: "S3Client"
    bucket: str

    def add(self, record: OperationRecord) -> str:
        """Returns where it is, for people. Raises ClientError if it is there already, too."""
        key = RECORDS_PREFIX + record.key()
        self.client.put_object(
            Bucket=self.bucket,
            Key=key,
            Body=record.text().encode(),
            ContentType="application/json",
            IfNoneMatch="*",
        )
        return f"s3://{self.bucket}/{key}"

    def newest_first(self, kind: Operation, environment: str) -> Iterator[OperationRecord]:
        """Raises ValueError at one that cannot be read."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=RECORDS_PREFIX + _prefix(kind, environment)
        )
        keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
        for key in sorted(keys, reverse=True):
            body = self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
            yield OperationRecord.parse(body, f"s3://{self.bucket}/{key}")


RecordStore = FileRecordStore | S3RecordStore
"""Nothing in it is ever changed."""


def _prefix(kind: Operation, environment: str) -> str:
    return f"{kind}/{environment}/"


def file_record_store(project: Path) -> FileRecordStore:
    return FileRecordStore(project / STATE_FOLDER / "records")


def record_store(
    project: Path, environment: Environment, aws: "AwsAccount | None" = None
) -> RecordStore:
    """The records of an environment. With `aws`, others' credentials than this machine's are used.

    Raises StepError when it is on AWS and has no bucket yet, and what boto3 raises.
    """
    if not environment.spec.on_aws:
        return file_record_store(project)
    from slipway.aws import cloudformation
    from slipway.aws.account import AwsAccount

    aws = aws or AwsAccount(environment)
    buckets = cloudformation.physical_ids(aws, DATA_STACK, "AWS::S3::Bucket")
    if not buckets:
        raise StepError(
            f"{environment.name} keeps its records in its data stack, which is not there: "
            f"`cdk deploy '{environment.name}/data' -c env={environment.name}`"
        )
    return S3RecordStore(aws.client("s3"), buckets[0])
