"""Checks of an environment against its AWS account, for what CloudFormation would fail on.

`slipway doctor` runs them, and `before_deploy`: some failures would come after half an hour.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from botocore.exceptions import ClientError

from slipway import facts
from slipway.aws.account import AwsAccount


@dataclass(frozen=True)
class Finding:
    """The result of one check."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""
    key: str = ""
    """Of the environment's file, where the remedy is an edit of it."""

    def as_json(self) -> dict[str, Any]:
        return {field: value for field, value in asdict(self).items() if field != "key"}

    def __str__(self) -> str:
        line = f"{'ok ' if self.ok else 'NOT'} {self.name}: {self.detail}"
        return line if self.ok else f"{line}\n      {self.remedy}"


def zones(aws: AwsAccount) -> Iterator[Finding]:
    """Whether the account has the availability zones."""
    found = aws.client("ec2").describe_availability_zones()["AvailabilityZones"]
    known = {zone["ZoneName"] for zone in found}
    missing = [zone for zone in aws.spec.zones if zone not in known]
    yield Finding(
        "zones",
        not missing,
        f"{', '.join(missing or aws.spec.zones)} {'not there' if missing else 'there'}",
        f"choose among {', '.join(sorted(known))}",
        "zones",
    )


def hosted_zone(aws: AwsAccount) -> Iterator[Finding]:
    """Whether the account has the public zone of the domain."""
    zone = aws.spec.hosted_zone
    if not zone:
        yield Finding("hosted zone", True, "no domain, so none is needed")
        return
    try:
        found = aws.client("route53").get_hosted_zone(Id=zone.id)["HostedZone"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchHostedZone":
            raise
        remedy = "`aws route53 list-hosted-zones` shows those of this account"
        missing = f"{zone.id} is not in this account"
        yield Finding("hosted zone", False, missing, remedy, "hosted_zone")
        return
    name = found["Name"].rstrip(".")
    same = name == zone.name and not found["Config"].get("PrivateZone")
    remedy = "name a public zone of yours"
    yield Finding("hosted zone", same, f"{zone.id} is {name}", remedy, "hosted_zone")


def images(aws: AwsAccount) -> Iterator[Finding]:
    """Whether the registry has every image: a release's by digest, else by tag."""
    environment = aws.environment
    for image in (*facts.HUB_IMAGES, *environment.catalog.images):
        reference = environment.image_reference(image)
        if reference.startswith(aws.spec.registry):
            yield _image(aws, image, reference.partition("@")[2])


def _image(aws: AwsAccount, image: str, digest: str) -> Finding:
    what, name = digest or f"the tag {facts.WORKING_TREE}", f"image {image}"
    try:
        aws.client("ecr").describe_images(
            repositoryName=facts.repository_name(image),
            imageIds=[{"imageDigest": digest} if digest else {"imageTag": facts.WORKING_TREE}],
        )
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code not in ("ImageNotFoundException", "RepositoryNotFoundException"):
            raise
        push = "promote the release" if digest else f"`slipway build --push {aws.name}`"
        stack = f"{aws.name}/{facts.REGISTRY_STACK}"
        remedy = f"run `cdk deploy {stack} -c env={aws.name}`, then {push}"
        return Finding(name, False, f"{what} is not in the registry ({code})", remedy, "release")
    return Finding(name, True, f"{what} is in the registry")
