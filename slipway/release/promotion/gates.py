"""The gates of a promotion: what a release must have shown. What is not known is not passed."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from slipway.images.oci.descriptors import INDEXES, ImageError, index_entries
from slipway.images.registry.reference import Reference
from slipway.images.registry.registry import Registry
from slipway.model import InvalidProject
from slipway.model.quantities import seconds
from slipway.model.signature import require_signature
from slipway.release.promotion.access import EnvironmentAccess
from slipway.release.promotion.deployed import deployed_release, stacks_of
from slipway.steps import StepError, poll
from slipway.toolchain import kubectl

if TYPE_CHECKING:
    from slipway.aws.account import AwsAccount

DRIFT_SECONDS = 900
"""For CloudFormation to look at every resource of every stack."""
SHOWN = 5
"""Changed resources, objects or failed checks that are named."""
_CHANGED = re.compile(r"^diff -u -N \S+ \S*/(\S+)$", re.MULTILINE)
SEVERITIES = ("low", "medium", "high", "critical")
SCANNED = ("COMPLETE", "ACTIVE")
"""Basic and enhanced scanning: https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning.html"""
NO_PLATFORM = "unknown"
"""Of an attestation beside the images of an index: it holds no files to scan."""


@dataclass(frozen=True)
class Gate:
    """The result of one gate. `waived` says why somebody let the release pass nevertheless."""

    name: str
    ok: bool
    detail: str
    waived: str | None = None

    @property
    def lets_pass(self) -> bool:
        return self.ok or self.waived is not None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


Answer = tuple[bool, str]
"""Whether a gate is passed, and why."""
GateCheck = Callable[[EnvironmentAccess, EnvironmentAccess], Answer]


def release(source: EnvironmentAccess, target: EnvironmentAccess) -> Answer:
    """Its stacks, or its hub and proxy, are whole and of the release that it pins."""
    deployed = deployed_release(source.environment, source.aws)
    pinned = source.release.version
    if deployed.release != pinned and deployed.release is not None:
        return False, f"{source.name} pins {pinned} and runs {deployed.release}: deploy it first"
    return deployed.in_order and deployed.release == pinned, deployed.detail


def smoke(source: EnvironmentAccess, target: EnvironmentAccess) -> Answer:
    """The newest smoke test was of this very release, passed, and is not old."""
    limit = target.environment.cluster_spec.gates.smoke_within
    remedy = f"run `slipway smoke {source.name}`"
    newest = next(source.records().newest_first("smoke", source.name), None)
    if newest is None:
        return False, f"there is no smoke test of {source.name}: {remedy}"
    when = f"the newest smoke test ({newest.at:%Y-%m-%d %H:%M} UTC)"
    digest = newest.fields.get("digest")
    if newest.release != source.release.version or digest != source.release.digest:
        other = f"{newest.release} {digest or 'of no release file'}"
        return False, f"{when} was of {other}: {remedy}"
    if not newest.ok:
        return False, f"{when} did not pass{_culprits(newest.fields)}"
    age = datetime.now(UTC) - newest.at
    if age > timedelta(seconds=seconds(limit)):
        return False, f"{when} is older than {limit}: {remedy}"
    if age < timedelta(minutes=-5):
        return False, f"{when} is in the future: set the clock of whoever ran it, and {remedy}"
    return True, f"{when} passed"


def _culprits(fields: Mapping[str, Any]) -> str:
    checks = fields.get("checks", [])
    red = [check["name"] for check in checks if check.get("verdict") in ("failed", "not enforced")]
    return f": {', '.join(red[:SHOWN])}" if red else ""


def drift(source: EnvironmentAccess, target: EnvironmentAccess) -> Answer:
    """Nobody changed by hand what was deployed."""
    return drift_of_stacks(source.aws, DRIFT_SECONDS) if source.aws else _drift_of_cluster(source)


def drift_of_stacks(aws: "AwsAccount", longest: float) -> Answer:
    """CloudFormation's drift detection on every stack. Raises what boto3 raises.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html
    """
    client = aws.client("cloudformation")
    started = {
        name: client.detect_stack_drift(StackName=name)["StackDriftDetectionId"]
        for name in map(aws.stack, stacks_of(aws.spec))
    }
    end = time.monotonic() + longest
    checked = [_drift_problem(aws, name, _detection(aws, id, end)) for name, id in started.items()]
    problems = [problem for problem in checked if problem]
    return not problems, "; ".join(problems) or f"{len(started)} stacks are as they were deployed"


def _detection(aws: "AwsAccount", detection: str, end: float) -> dict[str, Any]:
    from slipway.aws.cloudformation import poll_seconds

    client = aws.client("cloudformation")
    return poll(
        lambda: dict(client.describe_stack_drift_detection_status(StackDriftDetectionId=detection)),
        lambda answer: answer["DetectionStatus"] != "DETECTION_IN_PROGRESS",
        end - time.monotonic(),
        poll_seconds(aws),
    )


def _drift_problem(aws: "AwsAccount", name: str, answer: dict[str, Any]) -> str:
    """Empty if the stack is known to be in sync: a check that did not end shows nothing."""
    status = answer.get("StackDriftStatus", "UNKNOWN")
    if answer["DetectionStatus"] != "DETECTION_COMPLETE":
        why = answer.get("DetectionStatusReason") or answer["DetectionStatus"]
        return f"{name} could not be checked: {why}"
    if status == "IN_SYNC":
        return ""
    if status != "DRIFTED":
        return f"{name} is {status}"
    resources = aws.client("cloudformation").describe_stack_resource_drifts(
        StackName=name, StackResourceDriftStatusFilters=["MODIFIED", "DELETED"]
    )["StackResourceDrifts"]
    drifted = [f"{r['LogicalResourceId']} {r['StackResourceDriftStatus']}" for r in resources]
    return f"{name} has drifted: {', '.join(drifted[:SHOWN])}"


def _drift_of_cluster(source: EnvironmentAccess) -> Answer:
    """`kubectl diff` of what the release's own code renders.

    Raises KubectlError, StepError, and InvalidProject where that code is not here.
    """
    from slipway.release.checkout import manifests

    text = manifests(source.root, source.environment)
    answer = kubectl.run("diff", "--filename=-", stdin=text, timeout=120, check=False)
    if answer.returncode == 0:
        return True, "the cluster has what the release renders"
    if answer.returncode > 1:
        raise kubectl.KubectlError(f"kubectl diff: {answer.stderr.strip()}")
    changed = _CHANGED.findall(answer.stdout)
    more = f" and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
    return False, f"differ from what the release renders: {', '.join(changed[:SHOWN])}{more}"


def scan(source: EnvironmentAccess, target: EnvironmentAccess) -> Answer:
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
                if problem := _scan_problem(source.aws, reference, digest, limit):
                    problems.append(f"{image}: {problem}")
    return not problems, "; ".join(problems) or f"nothing {limit} or worse in {count} images"


def _scannable(registry: Registry, reference: Reference) -> Iterator[str]:
    top, content = registry.manifest(reference)
    if top.media_type not in INDEXES:
        yield top.digest
        return
    for child in index_entries(content):
        if child.platform is None or child.platform.os != NO_PLATFORM:
            yield child.digest


def _scan_problem(aws: "AwsAccount", reference: Reference, digest: str, limit: str) -> str:
    from botocore.exceptions import ClientError

    try:
        answer: Any = aws.client("ecr").describe_image_scan_findings(
            registryId=aws.spec.account,
            repositoryName=reference.repository,
            imageId={"imageDigest": digest},
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == "ScanNotFoundException":
            return f"{digest[:19]} was never scanned"
        raise
    status = answer.get("imageScanStatus", {}).get("status", "UNKNOWN")
    if status not in SCANNED:
        return f"the scan of {digest[:19]} is {status}"
    counts = answer.get("imageScanFindings", {}).get("findingSeverityCounts", {})
    counted = {s: counts.get(s.upper(), 0) for s in SEVERITIES[SEVERITIES.index(limit) :]}
    return ", ".join(f"{number} {severity}" for severity, number in counted.items() if number)


def signature(source: EnvironmentAccess, target: EnvironmentAccess) -> Answer:
    """The target trusts a key that has signed the release, if it asks for one."""
    if not target.environment.cluster_spec.signed_by:
        return True, f"{target.name} asks for none"
    require_signature(target.root, target.environment, source.release)
    return True, f"by a key that {target.name} trusts"


GATES: dict[str, GateCheck] = {
    "release": release,
    "smoke": smoke,
    "drift": drift,
    "scan": scan,
    "signature": signature,
}


class CannotWaive(Exception):  # noqa: N818
    """What was asked for and why it is refused."""


def check_waivers(waivers: Mapping[str, str], target: EnvironmentAccess) -> None:
    """Raises CannotWaive."""
    if unknown := sorted(set(waivers) - set(GATES)):
        raise CannotWaive(f"there is no gate {', '.join(unknown)}, there is {', '.join(GATES)}")
    if "signature" in waivers and target.environment.cluster_spec.signed_by:
        raise CannotWaive(
            f"{target.name} takes signed releases only (signed_by): sign it, nobody can waive that"
        )


def evaluate(
    source: EnvironmentAccess,
    target: EnvironmentAccess,
    waivers: Mapping[str, str],
    report: Callable[[Gate], None] = lambda _: None,
) -> list[Gate]:
    """All gates, also after one has not passed; each is reported as soon as it is known."""
    gates = []
    for name, check in GATES.items():
        ok, detail = _answer(check, source, target)
        gates.append(Gate(name, ok, detail, None if ok else waivers.get(name)))
        report(gates[-1])
    return gates


def _answer(check: GateCheck, source: EnvironmentAccess, target: EnvironmentAccess) -> Answer:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return check(source, target)
    except InvalidProject as error:
        return False, str(error)
    except (BotoCoreError, ClientError) as error:
        return False, f"cannot be found out, AWS: {error}"
    except (kubectl.KubectlError, ImageError, StepError, OSError, ValueError) as error:
        return False, f"cannot be found out: {error}"
