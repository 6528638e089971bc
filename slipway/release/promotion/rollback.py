"""`slipway rollback`: the release before, and the hub's database as that release left it."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from slipway_hub.database import BadSnapshotError
from slipway_hub.rollback import Fitting, fitting
from slipway_hub.snapshots import BucketSnapshots

from slipway.facts import (
    DATA_STACK,
    HUB,
    HUB_PROGRAM,
    SNAPSHOTS_PREFIX,
    WORKING_TREE,
    environment_file,
)
from slipway.model import InvalidProject, Project
from slipway.model.signature import require_signature
from slipway.release import releases
from slipway.release.diff.users import users_see
from slipway.release.pin import Pin
from slipway.release.promotion.access import EnvironmentAccess, account_access, with_release
from slipway.release.promotion.promote import operator
from slipway.release.records import OperationRecord
from slipway.steps import StepError
from slipway.toolchain import kubectl


@dataclass
class Rollback:
    """What goes back, and what users lose by it."""

    environment: str
    previous: str
    """What is pinned until now."""
    release: str
    chosen: str
    """How the release to go back to was found."""
    database: dict[str, Any] | None = None
    """`slipway_hub.rollback.Fitting`; None if the database stays whatever its schema is."""
    restores: bool = False
    diff: list[str] = field(default_factory=list)
    users: list[str] = field(default_factory=list)
    """What users will see of it."""
    pinned: bool = False
    record: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {"ok": True, **asdict(self)}

    def loses(self) -> Iterator[str]:
        """What users lose, in words."""
        if not self.restores or not self.database:
            yield "the hub's database stays: no user, server or token is lost"
            return
        yield f"the hub's database goes back to {self.database['at']}: {self.database['snapshot']}"
        yield "lost since: sessions, tokens, shares, and who was added to which group"
        if came := self.database["users_since"]:
            yield f"users who came since and must log in anew (their files stay): {_some(came)}"
        if gone := self.database["users_gone"]:
            yield f"users who were removed since and are there again: {_some(gone)}"


def rollback(
    project: Project,
    name: str,
    *,
    to: str | None = None,
    keep_database: bool = False,
    dry_run: bool = False,
    profile: str | None = None,
) -> Rollback:
    """Pin the release before, or `to`, with the snapshot that fits it if its schema is another.

    Raises InvalidProject for bad input; StepError where the snapshot cannot be found out, PinError
    when the file cannot be changed, and what boto3 raises.
    """
    environment = project.environment(name)
    if not environment.spec.has_cluster:
        raise _bad_input(name, "is local: it follows the catalog", path="target")
    if environment.release is None:
        raise _bad_input(name, f"{WORKING_TREE} is pinned: there is no release to go back from")
    access = EnvironmentAccess(environment, project.root, account_access(environment, profile))
    release, chosen = (to, "as you said") if to else _before(project, access)
    _check(project, access, release, named=to is not None)
    pin = Pin.read(project.root, name)
    done = Rollback(name, pin.release, release, chosen)
    done.users = users_see(project, name, pin.release, release)
    values: dict[str, str | None] = {"release": release, "restore_database": None}
    if not keep_database:
        snapshot = _snapshot(access, release)
        done.database, done.restores = snapshot.as_json(), not snapshot.same_schema
        values["restore_database"] = snapshot.snapshot if done.restores else None
    done.diff = pin.diff(values)
    if dry_run:
        return done
    records, me = access.records(), operator()
    pin.set(values)
    done.pinned = True
    fields = done.as_json() | {"who": me}
    done.record = records.add(
        OperationRecord("rollback", name, release, datetime.now(UTC), True, fields)
    )
    return done


def _before(project: Project, access: EnvironmentAccess) -> tuple[str, str]:
    """The release before the pinned one, and how it is known. Raises InvalidProject, StepError.

    The one that a promotion replaced by it; without a record of that, the next lower version.
    """
    pinned = access.release.version
    for record in _promotions(access):
        previous = record.fields.get("previous")
        if record.ok and record.release == pinned and previous not in (pinned, None):
            if previous == WORKING_TREE:
                break
            return str(previous), f"what the promotion of {record.at:%Y-%m-%d} took the place of"
    limit = releases.parse_version(pinned)
    lower = [v for v in project.releases if releases.parse_version(v) < limit]
    if newest := releases.newest(lower):
        return newest, "the next lower version, as no promotion says otherwise"
    message = f"no release before {pinned} is known"
    raise _bad_input(access.name, message, "name one with --to VERSION")


def _promotions(access: EnvironmentAccess) -> Iterator[OperationRecord]:
    """Raises StepError at a record that cannot be read."""
    try:
        yield from access.records().newest_first("promotion", access.name)
    except ValueError as error:
        message = f"{access.name}: {error}; name the release to go back to: --to VERSION"
        raise StepError(message) from error


def _snapshot(access: EnvironmentAccess, release: str) -> Fitting:
    """The snapshot of the database as the release left it. Raises StepError without a sound one."""
    remedy = "--keep-database pins the release alone, if its hub understands the database as it is"
    try:
        snapshot = _in_bucket(access, release) if access.aws else _in_pod(access, release)
    except (BadSnapshotError, kubectl.KubectlError, StepError, OSError) as error:
        raise StepError(f"{access.name}: {error}; nothing was changed; {remedy}") from error
    if snapshot.snapshot is None:
        raise StepError(
            f"{access.name} has no snapshot of its database from when {release} was left; nothing "
            f"was changed; {remedy}"
        )
    return snapshot


def _in_bucket(access: EnvironmentAccess, release: str) -> Fitting:
    from slipway.aws import cloudformation

    assert access.aws
    buckets = cloudformation.physical_ids(access.aws, DATA_STACK, "AWS::S3::Bucket")
    if not buckets:
        raise StepError("its data stack is not there")
    client = access.aws.client("s3")
    return fitting(BucketSnapshots(buckets[0], SNAPSHOTS_PREFIX.strip("/"), client), release)


def _in_pod(access: EnvironmentAccess, release: str) -> Fitting:
    """Asked where the snapshots are: in the hub's pod."""
    namespace = access.environment.cluster_spec.namespace
    where = ("--namespace", namespace, "exec", f"deployment/{HUB}", f"--container={HUB}")
    answer = kubectl.run(*where, "--", HUB_PROGRAM, "fitting", release, timeout=120, check=False)
    if answer.returncode:
        raise StepError(f"the hub's pod: {answer.stderr.strip()}")
    try:
        return Fitting(**json.loads(answer.stdout))
    except (ValueError, TypeError):
        raise StepError("the hub's pod gives no answer that this version knows") from None


def _check(project: Project, access: EnvironmentAccess, release: str, *, named: bool) -> None:
    """Raises InvalidProject for what cannot be gone back to.

    A newer release was here before if a record says so, and not because somebody named it.
    """
    name, pinned = access.name, access.release.version
    if release == pinned:
        raise _bad_input(name, f"{release} is pinned already")
    content = releases.read(project.root, release)
    require_signature(project.root, access.environment, content)
    if named and releases.parse_version(release) > releases.parse_version(pinned):
        message = f"{release} is newer than {pinned}, which is pinned"
        hint = f"`slipway promote SOURCE {name}` brings what was tested, with its images"
        raise _bad_input(name, message, hint)
    with_release(project.root, access.environment, content)  # whose nodes can run it


def _bad_input(
    environment: str, message: str, hint: str = "", path: str = "release"
) -> InvalidProject:
    return InvalidProject.of_file(environment_file(environment), path, message, hint)


def _some(names: list[str], most: int = 10) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
