"""Where an environment's records are: its data bucket on AWS, else a folder of the project."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.facts import RECORDS_PREFIX as PREFIX
from slipway.model import Environment
from slipway.release.records import Kind, Record, Records, file_records, folder
from slipway.steps import StepError

if TYPE_CHECKING:
    from slipway.aws.account import AwsAccount


@dataclass(frozen=True)
class S3Records:
    """One object per record, which is never written again."""

    client: Any
    bucket: str

    def keep(self, record: Record) -> str:
        """Raises botocore's ClientError, also when there is such a record already."""
        key = PREFIX + record.key()
        self.client.put_object(
            Bucket=self.bucket,
            Key=key,
            Body=record.text().encode(),
            ContentType="application/json",
            IfNoneMatch="*",
        )
        return f"s3://{self.bucket}/{key}"

    def of(self, kind: Kind, environment: str) -> Iterator[Record]:
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=PREFIX + folder(kind, environment)
        )
        keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
        for key in sorted(keys, reverse=True):
            body = self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
            yield Record.parse(body, f"s3://{self.bucket}/{key}")


def records_at(
    project: Path, environment: Environment, place: "AwsAccount | None" = None
) -> Records:
    """The records of an environment. `place` is needed for one on AWS that others' credentials
    reach.

    Raises StepError when it is on AWS and has no bucket yet, and what boto3 raises.
    """
    if not environment.spec.on_aws:
        return file_records(project)
    from slipway.aws import cloudformation
    from slipway.aws.account import AwsAccount

    place = place or AwsAccount(environment)
    buckets = cloudformation.physical_ids(place, "data", "AWS::S3::Bucket")
    if not buckets:
        raise StepError(
            f"{environment.name} keeps its records in its data stack, which is not there: "
            f"`cdk deploy '{environment.name}/data' -c env={environment.name}`"
        )
    return S3Records(place.client("s3"), buckets[0])
