"""Every environment with what it pins, what it runs, and what is known of both."""

import fcntl
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from slipway.model import Environment, Project
from slipway.release.promotion.deployed import CannotAsk, Deployed, deployed, stacks_of
from slipway.release.promotion.sides import reach
from slipway.release.records import Record, file_records
from slipway.release.records_at import records_at
from slipway.steps import StepError

if TYPE_CHECKING:
    from slipway.aws.account import AwsAccount

SECONDS = 15
"""For all that is asked of one environment; all are asked at the same time."""
WORST = ("DRIFTED", "UNKNOWN", "NOT_CHECKED", "IN_SYNC")


@dataclass
class Row:
    """What could be found out. `problems` says what could not, and why."""

    environment: str
    target: str
    pinned: str
    deployed: str | None = None
    detail: str = ""
    in_order: bool | None = None
    since: datetime | None = None
    """When what runs was last changed."""
    smoke: Record | None = None
    drift: str | None = None
    """The worst of its stacks, as CloudFormation last found it; None where nobody looks."""
    problems: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        smoke = self.smoke and {
            "ok": self.smoke.ok,
            "release": self.smoke.release,
            "at": self.smoke.at.isoformat(),
        }
        since = self.since.isoformat() if self.since else None
        return asdict(self) | {"since": since, "smoke": smoke}


def status(project: Project, within: float = SECONDS) -> list[Row]:
    """A row for each environment, whether it can be reached or not."""
    rows = [Row(e.name, e.spec.target, e.release_name) for e in project.environments()]
    asked = {row.environment: _asking(project, row) for row in rows}
    end = time.monotonic() + within
    for row in rows:
        asked[row.environment].join(max(0.0, end - time.monotonic()))
    return [_known(row, asked[row.environment].is_alive(), within) for row in rows]


def _known(row: Row, is_asked: bool, within: float) -> Row:
    if not is_asked:
        return row
    late = f"{row.environment} did not answer within {within:g} s"
    known = {name: value for name, value in vars(row).items() if name != "problems"}
    return Row(**known, problems=[*row.problems, late])


def _asking(project: Project, row: Row) -> threading.Thread:
    """A daemon: what does not answer must not keep the command from ending."""
    environment = project.environment(row.environment)
    thread = threading.Thread(target=_ask, args=(project, environment, row), daemon=True)
    thread.start()
    return thread


def _ask(project: Project, environment: Environment, row: Row) -> None:
    if not environment.spec.has_cluster:
        _try(row, lambda: _local(project, row))
        return
    places: list[AwsAccount | None] = []
    _try(row, lambda: places.append(reach(environment)))
    if not places:
        return
    (place,) = places
    _try(row, lambda: _smoke(project, environment, place, row))
    _try(row, lambda: _deployed(row, deployed(environment, place, seconds=SECONDS)))
    if place:
        _try(row, lambda: _stacks(place, row))


def _try(row: Row, ask: Callable[[], object]) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        ask()
    except (BotoCoreError, ClientError) as error:
        row.problems.append(f"AWS: {error}")
    except (CannotAsk, StepError, OSError, ValueError) as error:
        row.problems.append(str(error))


def _deployed(row: Row, found: Deployed) -> None:
    row.deployed, row.in_order, row.detail = found.release, found.in_order, found.detail


def _smoke(
    project: Project, environment: Environment, place: "AwsAccount | None", row: Row
) -> None:
    records = records_at(project.root, environment, place)
    row.smoke = next(iter(records.of("smoke", environment.name)), None)


def _stacks(place: "AwsAccount", row: Row) -> None:
    """When they were last changed, and what the last look for drift found."""
    client = place.client("cloudformation")
    drifts, changed = set(), []
    for short in stacks_of(place.spec):
        name = place.stack(short)
        try:
            (stack,) = client.describe_stacks(StackName=name)["Stacks"]
        except client.exceptions.ClientError:
            continue  # `deployed` has said that it is not there
        drifts.add(stack.get("DriftInformation", {}).get("StackDriftStatus", "NOT_CHECKED"))
        changed.append(stack.get("LastUpdatedTime") or stack["CreationTime"])
    row.drift = next((one for one in WORST if one in drifts), None)
    row.since = max(changed, default=None)


def _local(project: Project, row: Row) -> None:
    """Whether `slipway up` holds its lock, in which it writes where it is."""
    lock, address = project.root / ".slipway/hub/lock", ""
    try:
        with lock.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        pass
    except OSError:
        address = lock.read_text().strip() or "an address it will print soon"
    row.deployed = row.pinned if address else None
    row.in_order, row.detail = bool(address), f"runs at {address}" if address else "is stopped"
    row.smoke = next(iter(file_records(project.root).of("smoke", row.environment)), None)


def age(moment: datetime | None) -> str:
    """`3 h`, for people."""
    if moment is None:
        return ""
    minutes = int((datetime.now(UTC) - moment).total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} d"
