"""`slipway status`: for every environment, what it pins, what it runs and what is known of both."""

import fcntl
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from slipway.model import Environment, Project
from slipway.release.promotion.access import account_access
from slipway.release.promotion.deployed import DeployedRelease, deployed_release, stacks_of
from slipway.release.records import OperationRecord, file_record_store, record_store
from slipway.steps import StepError
from slipway.toolchain.kubectl import KubectlError

if TYPE_CHECKING:
    from slipway.aws.account import AwsAccount

SECONDS = 15
"""For all questions about one environment; all environments are asked at the same time."""
WORST = ("DRIFTED", "UNKNOWN", "NOT_CHECKED", "IN_SYNC")


@dataclass
class EnvironmentStatus:
    """What is known of one environment. `problems` says what could not be found out, and why."""

    environment: str
    target: str
    pinned: str
    deployed: str | None = None
    detail: str = ""
    in_order: bool | None = None
    since: datetime | None = None
    """When what runs was last changed."""
    smoke: OperationRecord | None = None
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


def status(project: Project, within: float = SECONDS) -> list[EnvironmentStatus]:
    """A row for each environment, whether it can be reached or not."""
    rows = [
        EnvironmentStatus(e.name, e.spec.target, e.release_name) for e in project.environments()
    ]
    threads = {row.environment: _start(project, row) for row in rows}
    end = time.monotonic() + within
    for row in rows:
        threads[row.environment].join(max(0.0, end - time.monotonic()))
    return [_finished(row, threads[row.environment].is_alive(), within) for row in rows]


def _finished(row: EnvironmentStatus, is_alive: bool, within: float) -> EnvironmentStatus:
    if not is_alive:
        return row
    late = f"{row.environment} did not answer within {within:g} s"
    known = {name: value for name, value in vars(row).items() if name != "problems"}
    return EnvironmentStatus(**known, problems=[*row.problems, late])


def _start(project: Project, row: EnvironmentStatus) -> threading.Thread:
    """A daemon: what does not answer must not keep the command from ending."""
    environment = project.environment(row.environment)
    thread = threading.Thread(target=_fill, args=(project, environment, row), daemon=True)
    thread.start()
    return thread


def _fill(project: Project, environment: Environment, row: EnvironmentStatus) -> None:
    if not environment.spec.has_cluster:
        _try(row, lambda: _local(project, row))
        return
    accounts: list[AwsAccount | None] = []
    _try(row, lambda: accounts.append(account_access(environment)))
    if not accounts:
        return
    (aws,) = accounts
    _try(row, lambda: _newest_smoke(project, environment, aws, row))
    _try(row, lambda: _deployed(row, deployed_release(environment, aws, seconds=SECONDS)))
    if aws:
        _try(row, lambda: _stacks(aws, row))


def _try(row: EnvironmentStatus, look: Callable[[], object]) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        look()
    except (BotoCoreError, ClientError) as error:
        row.problems.append(f"AWS: {error}")
    except (KubectlError, StepError, OSError, ValueError) as error:
        row.problems.append(str(error))


def _deployed(row: EnvironmentStatus, found: DeployedRelease) -> None:
    row.deployed, row.in_order, row.detail = found.release, found.in_order, found.detail


def _newest_smoke(
    project: Project, environment: Environment, aws: "AwsAccount | None", row: EnvironmentStatus
) -> None:
    records = record_store(project.root, environment, aws)
    row.smoke = next(iter(records.newest_first("smoke", environment.name)), None)


def _stacks(aws: "AwsAccount", row: EnvironmentStatus) -> None:
    """When they were last changed, and what the last look for drift found."""
    client = aws.client("cloudformation")
    drifts, changed = set(), []
    for short in stacks_of(aws.spec):
        name = aws.stack(short)
        try:
            (stack,) = client.describe_stacks(StackName=name)["Stacks"]
        except client.exceptions.ClientError:
            continue  # `deployed` has said that it is not there
        drifts.add(stack.get("DriftInformation", {}).get("StackDriftStatus", "NOT_CHECKED"))
        changed.append(stack.get("LastUpdatedTime") or stack["CreationTime"])
    row.drift = next((one for one in WORST if one in drifts), None)
    row.since = max(changed, default=None)


def _local(project: Project, row: EnvironmentStatus) -> None:
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
    row.smoke = next(
        iter(file_record_store(project.root).newest_first("smoke", row.environment)), None
    )


def age(moment: datetime | None) -> str:
    """`3 h`, for people."""
    if moment is None:
        return ""
    minutes = int((datetime.now(UTC) - moment).total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} d"
