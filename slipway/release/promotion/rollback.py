"""`slipway rollback`: the release before, and the hub's database as that release left it."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from slipway_hub.database import BadSnapshotError
from slipway_hub.rollback import Fitting
from slipway_hub.rollback import fitting as find_fitting
from slipway_hub.snapshots import BucketSnapshots

from slipway.facts import WORKING_TREE
from slipway.model import InvalidProject, Problem, Project
from slipway.release import versions
from slipway.release.promotion.changes import for_users
from slipway.release.promotion.deployed import CannotAsk, kubectl
from slipway.release.promotion.pin import Pin, changed_lines
from slipway.release.promotion.promote import who
from slipway.release.promotion.sides import Side, reach, with_release
from slipway.release.records import Record
from slipway.steps import StepError


@dataclass
class Rollback:
    """What it changes. `chosen` says how the release before was found."""

    environment: str
    previous: str
    """What is pinned until now."""
    release: str
    chosen: str
    database: dict[str, Any] | None = None
    """The snapshot that fits, as `slipway_hub.rollback.Fitting` has it; None if it was not asked
    for."""
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
        raise InvalidProject([_problem(name, "target", "is local: it follows the catalog")])
    if environment.release is None:
        message = f"{WORKING_TREE} is pinned: there is no release to go back from"
        raise InvalidProject([_problem(name, "release", message)])
    side = Side(environment, project.root, reach(environment, profile))
    release, chosen = (to, "as you said") if to else before(project, side)
    _check(project, side, release, named=to is not None)
    goes_to = with_release(project.root, environment, project.releases[release])
    pin = Pin.read(project.root, name)
    done = Rollback(name, pin.release, release, chosen)
    done.users = for_users(project, name, pin.release, release)
    if not keep_database:
        found = fitting(side, release)
        done.database = found.as_json()
        done.restores = not found.same_schema
    restored = done.database["snapshot"] if done.restores and done.database else None
    values = {"release": release, "restore_database": restored}
    done.diff = changed_lines(pin.content, pin.with_values(values), pin.name)
    if dry_run:
        return done
    records, me = Side(goes_to, project.root, side.place).records(), who()
    pin.set(values)
    done.pinned = True
    fields = done.as_json() | {"who": me}
    done.record = records.keep(Record("rollback", name, release, datetime.now(UTC), True, fields))
    return done


def before(project: Project, side: Side) -> tuple[str, str]:
    """The release before the pinned one, and how it is known. Raises InvalidProject, StepError.

    What a promotion took the place of; else, of the frozen ones, the next lower version.
    """
    pinned = side.release.version
    for record in _promotions(side):
        previous = record.fields.get("previous")
        if record.ok and record.release == pinned and previous not in (pinned, None):
            if previous == WORKING_TREE:
                break
            return str(previous), f"what the promotion of {record.at:%Y-%m-%d} took the place of"
    lower = [v for v in project.releases if versions.key(v) < versions.key(pinned)]
    if newest := versions.newest(lower):
        return newest, "the next lower version, as no promotion says otherwise"
    message = f"no release before {pinned} is known"
    raise InvalidProject([_problem(side.name, "release", message, "name one with --to VERSION")])


def _promotions(side: Side) -> Iterator[Record]:
    """Raises StepError at a record that cannot be read."""
    try:
        yield from side.records().of("promotion", side.name)
    except ValueError as error:
        message = f"{side.name}: {error}; name the release to go back to: --to VERSION"
        raise StepError(message) from error


def fitting(side: Side, release: str) -> Fitting:
    """The snapshot that fits. Raises StepError when there is none, or when it is broken."""
    remedy = "--keep-database pins the release alone, if its hub understands the database as it is"
    try:
        found = _in_bucket(side, release) if side.place else _in_pod(side, release)
    except (BadSnapshotError, CannotAsk, OSError) as error:
        raise StepError(f"{side.name}: {error}; nothing was changed; {remedy}") from error
    if found.snapshot is None:
        raise StepError(
            f"{side.name} has no snapshot of its database from when {release} was left; nothing "
            f"was changed; {remedy}"
        )
    return found


def _in_bucket(side: Side, release: str) -> Fitting:
    from slipway.aws import cloudformation
    from slipway.facts import SNAPSHOTS_PREFIX

    assert side.place
    buckets = cloudformation.physical_ids(side.place, "data", "AWS::S3::Bucket")
    if not buckets:
        raise CannotAsk("its data stack is not there")
    client = side.place.client("s3")
    return find_fitting(BucketSnapshots(buckets[0], SNAPSHOTS_PREFIX.strip("/"), client), release)


def _in_pod(side: Side, release: str) -> Fitting:
    """Asked where the snapshots are: in the hub's pod."""
    namespace = side.environment.cluster_spec.namespace
    where = ("--namespace", namespace, "exec", "deployment/hub", "--container=hub")
    answer = kubectl(*where, "--", "slipway-hub", "fitting", release, seconds=120)
    if answer.returncode:
        raise CannotAsk(f"the hub's pod: {answer.stderr.strip()}")
    try:
        return Fitting(**json.loads(answer.stdout))
    except (ValueError, TypeError):
        raise CannotAsk("the hub's pod gives no answer that this version knows") from None


def _check(project: Project, side: Side, release: str, *, named: bool) -> None:
    """Raises InvalidProject for what cannot be gone back to.

    A newer release was here before if a record says so, and not because somebody named it.
    """
    name, pinned = side.name, side.release.version
    if release == pinned:
        raise InvalidProject([_problem(name, "release", f"{release} is pinned already")])
    from slipway.release import file
    from slipway.release.signature import verify

    file.read(project.root, release)
    verify(project, name, release)
    if named and versions.key(release) > versions.key(pinned):
        message = f"{release} is newer than {pinned}, which is pinned"
        hint = f"`slipway promote SOURCE {name}` brings what was tested, with its images"
        raise InvalidProject([_problem(name, "release", message, hint)])


def _problem(environment: str, path: str, message: str, hint: str = "") -> Problem:
    return Problem(f"environments/{environment}.yaml", 1, 1, path, message, hint)


def _some(names: list[str], most: int = 10) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
