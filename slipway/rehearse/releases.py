"""What a rehearsal does with releases. Each raises StepError if it comes out wrong."""

from datetime import UTC, datetime

from slipway import facts
from slipway.aws import cloudformation
from slipway.aws.account import AwsAccount
from slipway.model.release import built_here
from slipway.rehearse import environments
from slipway.rehearse.rehearsal import Rehearsal
from slipway.release.promotion.deployed import deployed_release
from slipway.release.records import OperationRecord, record_store
from slipway.steps import StepError

STAND_IN = "a rehearsal's stand-in: no pod runs in an emulator, so nothing was probed"
ROLLED_BACK = "UPDATE_ROLLBACK_COMPLETE"


def freeze(rehearsal: Rehearsal, version: str, title: str | None = None) -> str:
    """Freeze a release and let the first environment pin it. `title`: of a profile, changed
    before."""
    aws, project = rehearsal.first, rehearsal.project
    if title:
        project.retitle(title)
    key = str(project.signing_key)
    made = rehearsal.slipway(aws, "release", version, "--from", aws.name, "--key", key)
    project.commit(f"Release {version}", tag=f"v{version}")
    project.pin(aws.name, version)
    return f"{len(made['images'])} images by digest, {made['digest'][:19]}"


def deploy(rehearsal: Rehearsal, aws: AwsAccount, title: str | None = None) -> str:
    """What is pinned; then it runs there, and with it the `title` that users see."""
    deployed = environments.deploy(rehearsal, aws)
    version = rehearsal.project.pinned(aws.name)
    _check_runs(rehearsal, aws, version)
    if title and title not in environments.settings(rehearsal, aws):
        raise StepError(f"the hub's settings do not have {title!r}")
    return f"{version}: {deployed}"


def _check_runs(
    rehearsal: Rehearsal, aws: AwsAccount, version: str, *, in_order: bool = True
) -> None:
    runs = deployed_release(rehearsal.environment(aws), aws)
    if runs.release != version or (in_order and not runs.in_order):
        raise StepError(f"{aws.name} was to run {version}: {runs.detail}")


def _check_pins(rehearsal: Rehearsal, aws: AwsAccount, version: str) -> None:
    pinned = rehearsal.project.pinned(aws.name)
    if pinned != version:
        raise StepError(f"{aws.name} was to pin {version} and pins {pinned}")


def record_smoke(rehearsal: Rehearsal) -> str:
    """As `slipway smoke` would keep it."""
    aws = rehearsal.first
    environment = rehearsal.environment(aws)
    assert environment.release
    fields = {
        "ok": True,
        "checks": [{"name": "rehearsal", "verdict": "passed", "detail": STAND_IN, "seconds": 0.0}],
        "digest": environment.release.digest,
    }
    version, now = environment.release.version, datetime.now(UTC)
    record_store(rehearsal.project.folder, environment, aws).add(
        OperationRecord("smoke", aws.name, version, now, True, fields)
    )
    return f"of {version}, {STAND_IN}"


def promote(rehearsal: Rehearsal, target: AwsAccount) -> str:
    """With everything that the target needs in its own registry, by digest."""
    source, version = rehearsal.first, rehearsal.project.pinned(rehearsal.first.name)
    done = rehearsal.slipway(target, "promote", source.name, target.name)
    _check_pins(rehearsal, target, version)
    rehearsal.project.commit(f"Promote {version}")
    release = rehearsal.environment(target).release
    assert release
    for image in built_here(release.catalog):
        if release.images[image] not in digests(target, image):
            raise StepError(f"{image} of {version} is not in {target.name}'s registry")
    copied, skipped = (
        sum(image[f"{what}_blobs"] for image in done["images"]) for what in ("copied", "skipped")
    )
    return f"{len(done['images'])} images, {copied} blobs copied, {skipped} there"


def digests(aws: AwsAccount, image: str) -> set[str]:
    listed = aws.client("ecr").list_images(repositoryName=facts.repository_name(image))
    return {id["imageDigest"] for id in listed["imageIds"]}


def refused(rehearsal: Rehearsal, target: AwsAccount, gates: set[str]) -> str:
    """A promotion that exactly these gates keep from happening."""
    before = rehearsal.project.pinned(target.name)
    report = rehearsal.slipway(target, "promote", rehearsal.first.name, target.name, code=1)
    shut = {gate["name"] for gate in report["gates"] if not gate["ok"]}
    if shut != gates:
        raise StepError(f"{sorted(gates)} were to refuse, {sorted(shut) or 'none'} did")
    if rehearsal.project.pinned(target.name) != before or report["pinned"]:
        raise StepError(f"{target.name} was to stay at {before}")
    return f"by {' and '.join(sorted(gates))}: {target.name} stays at {before}"


def drift_gate(rehearsal: Rehearsal, target: AwsAccount) -> str:
    """What somebody changed by hand is found, and keeps the release from being promoted."""
    group = environments.change_by_hand(rehearsal.first)
    try:
        refused(rehearsal, target, {"drift"})
    finally:
        environments.change_by_hand(rehearsal.first, environments.RETENTION)
    return f"found at {group}, promotion refused"


def bad_release(rehearsal: Rehearsal, version: str, title: str) -> str:
    """One whose hub does not start: CloudFormation brings back what ran before."""
    aws, before = rehearsal.first, rehearsal.project.pinned(rehearsal.first.name)
    freeze(rehearsal, version, title)
    cluster = rehearsal.cluster(aws)
    cluster.broken.add(facts.HUB)
    pattern = f"{aws.name}/*"
    try:
        failed = rehearsal.cdk(aws, "deploy", pattern, *environments.UNATTENDED, may_fail=True)
    finally:
        cluster.broken.clear()
    state = cloudformation.status(aws, facts.HUB_STACK)
    if not failed or state != ROLLED_BACK:
        raise StepError(f"the deploy was to fail and be rolled back, the hub's stack is {state}")
    if title in environments.settings(rehearsal, aws):
        raise StepError("the hub still has the settings of the release that failed")
    return f"{version} rolled back, the hub has the settings of {before}"


def rollback(rehearsal: Rehearsal, version: str) -> str:
    """Pin what ran before, with its database, and deploy it.

    The hub's stack has it already, and stays as CloudFormation's own rollback has left it.
    """
    aws = rehearsal.first
    done = rehearsal.slipway(aws, "rollback", aws.name)
    _check_pins(rehearsal, aws, version)
    rehearsal.project.commit(f"Back to {version}")
    environments.deploy(rehearsal, aws)
    _check_runs(rehearsal, aws, version, in_order=False)
    return f"{version} runs again, its database was saved as {done['database']['snapshot']}"


def untouched(rehearsal: Rehearsal, aws: AwsAccount, version: str) -> str:
    """By all that was done to the other environment."""
    _check_runs(rehearsal, aws, version)
    return f"{version} runs as it was deployed"
