"""What a rehearsal does with releases. Each raises StepError if it comes out wrong."""

from datetime import UTC, datetime

from slipway.aws.account import AwsAccount
from slipway.model.release import built_here
from slipway.rehearse import environments
from slipway.rehearse.stage import Stage
from slipway.release.promotion.deployed import deployed_release
from slipway.release.records import OperationRecord, record_store
from slipway.steps import StepError

STAND_IN = "a rehearsal's stand-in: no pod runs in an emulator, so nothing was probed"
ROLLED_BACK = "UPDATE_ROLLBACK_COMPLETE"


def freeze(stage: Stage, version: str, title: str | None = None) -> str:
    """Freeze a release and let the first environment pin it. `title`: of a profile, changed
    before."""
    aws, project = stage.first, stage.project
    if title:
        project.retitle(title)
    key = str(project.signing_key)
    made = stage.slipway(aws, "release", version, "--from", aws.name, "--key", key).fields
    project.commit(f"Release {version}", tag=f"v{version}")
    project.pin(aws.name, version)
    return f"{len(made['images'])} images by digest, {made['digest'][:19]}"


def deploy(stage: Stage, aws: AwsAccount, title: str | None = None) -> str:
    """What is pinned; then it runs there, and with it the `title` that users see."""
    found = environments.deploy(stage, aws)
    version = stage.project.pinned(aws.name)
    runs = deployed_release(stage.environment(aws), aws)
    if runs.release != version or not runs.in_order:
        raise StepError(f"{version} was to run: {runs.detail}")
    if title and title not in environments.settings(stage, aws):
        raise StepError(f"the hub's settings do not have {title!r}")
    return f"{version}: {found}"


def record_smoke(stage: Stage) -> str:
    """As `slipway smoke` would keep it."""
    aws = stage.first
    environment = stage.environment(aws)
    assert environment.release
    fields = {
        "ok": True,
        "checks": [{"name": "rehearsal", "verdict": "passed", "detail": STAND_IN, "seconds": 0.0}],
        "digest": environment.release.digest,
    }
    version, now = environment.release.version, datetime.now(UTC)
    record_store(stage.project.folder, environment, aws).add(
        OperationRecord("smoke", aws.name, version, now, True, fields)
    )
    return f"of {version}, {STAND_IN}"


def promote(stage: Stage, target: AwsAccount) -> str:
    """With everything that the target needs in its own registry, by digest."""
    source, version = stage.first, stage.project.pinned(stage.first.name)
    done = stage.slipway(target, "promote", source.name, target.name).fields
    pinned = stage.project.pinned(target.name)
    if pinned != version:
        raise StepError(f"{target.name} was to pin {version} and pins {pinned}")
    stage.project.commit(f"Promote {version}")
    release = stage.environment(target).release
    assert release
    for image in built_here(release.catalog):
        if release.images[image] not in digests(target, image):
            raise StepError(f"{image} of {version} is not in {target.name}'s registry")
    copied, skipped = (
        sum(image[f"{what}_blobs"] for image in done["images"]) for what in ("copied", "skipped")
    )
    return f"{len(done['images'])} images, {copied} blobs copied, {skipped} there"


def digests(aws: AwsAccount, image: str) -> set[str]:
    found = aws.client("ecr").list_images(repositoryName=f"slipway/{image}")
    return {one["imageDigest"] for one in found["imageIds"]}


def refused(stage: Stage, target: AwsAccount, gates: set[str]) -> str:
    """A promotion that exactly these gates keep from happening."""
    before = stage.project.pinned(target.name)
    answer = stage.slipway(target, "promote", stage.first.name, target.name, may_fail=True)
    shut = {gate["name"] for gate in answer.fields["gates"] if not gate["ok"]}
    if answer.code == 0 or shut != gates:
        raise StepError(f"{sorted(gates)} were to refuse, {sorted(shut) or 'none'} did")
    if stage.project.pinned(target.name) != before or answer.fields["pinned"]:
        raise StepError(f"{target.name} was to stay at {before}")
    return f"by {' and '.join(sorted(gates))}: {target.name} stays at {before}"


def drift(stage: Stage, target: AwsAccount) -> str:
    """What somebody changed by hand is found, and keeps the release from being promoted."""
    group = environments.change_by_hand(stage.first)
    try:
        refused(stage, target, {"drift"})
    finally:
        environments.change_by_hand(stage.first, environments.RETENTION)
    return f"found at {group}, promotion refused"


def bad_release(stage: Stage, version: str, title: str) -> str:
    """One whose hub does not start: CloudFormation brings back what ran before."""
    aws, before = stage.first, stage.project.pinned(stage.first.name)
    freeze(stage, version, title)
    cluster = stage.cluster(aws)
    cluster.broken.add("hub")
    pattern = f"{aws.name}/*"
    try:
        failed = stage.cdk(aws, "deploy", pattern, *environments.UNATTENDED, may_fail=True)
    finally:
        cluster.broken.clear()
    state = environments.states(aws)["hub"]
    if not failed or state != ROLLED_BACK:
        raise StepError(f"the deploy was to fail and be rolled back, the hub's stack is {state}")
    if title in environments.settings(stage, aws):
        raise StepError("the hub still has the settings of the release that failed")
    return f"{version} rolled back, the hub has the settings of {before}"


def rollback(stage: Stage, version: str) -> str:
    """Pin what ran before, with its database, and deploy it.

    The hub's stack has it already, and stays as CloudFormation's own rollback has left it.
    """
    aws = stage.first
    found = stage.slipway(aws, "rollback", aws.name).fields
    pinned = stage.project.pinned(aws.name)
    if pinned != version:
        raise StepError(f"{aws.name} was to pin {version} and pins {pinned}")
    stage.project.commit(f"Back to {version}")
    environments.deploy(stage, aws)
    runs = deployed_release(stage.environment(aws), aws)
    if runs.release != version:
        raise StepError(f"{version} was to run again: {runs.detail}")
    return f"{version} runs again, its database was saved as {found['database']['snapshot']}"


def untouched(stage: Stage, aws: AwsAccount, version: str) -> str:
    """By all that was done to the other environment."""
    runs = deployed_release(stage.environment(aws), aws)
    if runs.release != version or not runs.in_order:
        raise StepError(f"{aws.name} was to run {version} as before: {runs.detail}")
    return f"{version} runs as it was deployed"
