"""What CloudFormation would fail on, some of it after half an hour: for the doctor, and for
`before_deploy`."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from botocore.exceptions import ClientError

from slipway.aws.account import AwsAccount
from slipway.facts import HUB_IMAGES, WORKING_TREE


@dataclass(frozen=True)
class Finding:
    name: str
    ok: bool
    detail: str
    remedy: str = ""
    key: str = ""
    """Of the environment's file: where the remedy is, if it is there."""

    def as_json(self) -> dict[str, Any]:
        return {field: value for field, value in asdict(self).items() if field != "key"}

    def __str__(self) -> str:
        line = f"{'ok ' if self.ok else 'NOT'} {self.name}: {self.detail}"
        return line if self.ok else f"{line}\n      {self.remedy}"


def zones(aws: AwsAccount) -> Iterator[Finding]:
    known = {
        zone["ZoneName"]
        for zone in aws.client("ec2").describe_availability_zones()["AvailabilityZones"]
    }
    missing = [zone for zone in aws.spec.zones if zone not in known]
    yield Finding(
        "zones",
        not missing,
        f"{', '.join(missing or aws.spec.zones)} {'not there' if missing else 'there'}",
        f"choose among {', '.join(sorted(known))}",
        "zones",
    )


def hosted_zone(aws: AwsAccount) -> Iterator[Finding]:
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
    """Every image of the release by its digest, or the working tree's by its tag."""
    environment = aws.environment
    for image in (*HUB_IMAGES, *environment.catalog.images):
        reference = environment.image_reference(image)
        if reference.startswith(aws.spec.registry):
            yield _image(aws, image, reference.partition("@")[2])


def _image(aws: AwsAccount, image: str, digest: str) -> Finding:
    wanted = {"imageDigest": digest} if digest else {"imageTag": WORKING_TREE}
    what, name = digest or f"the tag {WORKING_TREE}", f"image {image}"
    try:
        aws.client("ecr").describe_images(repositoryName=f"slipway/{image}", imageIds=[wanted])
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code not in ("ImageNotFoundException", "RepositoryNotFoundException"):
            raise
        push = "promote the release" if digest else f"`slipway build --push {aws.name}`"
        remedy = f"run `cdk deploy {aws.name}/registry -c env={aws.name}`, then {push}"
        return Finding(name, False, f"{what} is not in the registry ({code})", remedy, "release")
    return Finding(name, True, f"{what} is in the registry")
