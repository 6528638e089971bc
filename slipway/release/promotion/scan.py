"""What Amazon ECR's scan found in the images of a release."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from slipway.images.oci.descriptors import INDEXES
from slipway.images.registry.reference import Reference
from slipway.images.registry.registry import Registry
from slipway.release.promotion.access import EnvironmentAccess

if TYPE_CHECKING:
    from slipway.aws.account import AwsAccount

SEVERITIES = ("low", "medium", "high", "critical")
SCANNED = ("COMPLETE", "ACTIVE")
"""Basic and enhanced scanning: https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning.html"""
NO_PLATFORM = "unknown"
"""Of an attestation beside the images of an index: it holds no files to scan."""


def gate(source: EnvironmentAccess, target: EnvironmentAccess) -> tuple[bool, str]:
    """Every image of every platform was scanned, and nothing is as severe as the target's limit.

    Raises ImageError and what boto3 raises.
    """
    limit = target.environment.cluster_spec.gates.findings
    if source.aws is None:
        return False, f"{source.name} is not on AWS: its registry has no scan that can be asked for"
    count, problems = 0, []
    with source.registry() as registry:
        for image in filter(source.holds, sorted(source.release.images)):
            reference = source.reference(image)
            for digest in _scannable(registry, reference):
                count += 1
                if problem := _problem(source.aws, reference, digest, limit):
                    problems.append(f"{image}: {problem}")
    return not problems, "; ".join(problems) or f"nothing {limit} or worse in {count} images"


def _scannable(registry: Registry, reference: Reference) -> Iterator[str]:
    top, content = registry.manifest(reference)
    if top.media_type not in INDEXES:
        yield top.digest
        return
    for child in json.loads(content)["manifests"]:
        if child.get("platform", {}).get("os") != NO_PLATFORM:
            yield child["digest"]


def _problem(aws: "AwsAccount", reference: Reference, digest: str, limit: str) -> str:
    from botocore.exceptions import ClientError

    try:
        found: Any = aws.client("ecr").describe_image_scan_findings(
            registryId=aws.spec.account,
            repositoryName=reference.repository,
            imageId={"imageDigest": digest},
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == "ScanNotFoundException":
            return f"{digest[:19]} was never scanned"
        raise
    status = found.get("imageScanStatus", {}).get("status", "UNKNOWN")
    if status not in SCANNED:
        return f"the scan of {digest[:19]} is {status}"
    counts = found.get("imageScanFindings", {}).get("findingSeverityCounts", {})
    counted = {s: counts.get(s.upper(), 0) for s in SEVERITIES[SEVERITIES.index(limit) :]}
    return ", ".join(f"{number} {severity}" for severity, number in counted.items() if number)
