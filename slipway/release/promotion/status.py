"""`slipway status`: for every environment, what it pins, what it runs and what is known of both."""

import fcntl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from slipway.model import Project
from slipway.release.promotion.access import account_access
from slipway.release.promotion.deployed import (
    DeployedRelease,
    deployed_release,
    deployed_stacks,
    of_stacks,
)
from slipway.release.records import OperationRecord, file_record_store, record_store
from slipway.steps import StepError
from slipway.toolchain.kubectl import KubectlError

if TYPE_CHECKING:
    from types_boto3_cloudformation.type_defs import StackTypeDef

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
    # Daemons: what does not answer must not keep the command from ending.
    threads = [threading.Thread(target=_fill, args=(project, row), daemon=True) for row in rows]
    for thread in threads:
        thread.start()
    end = time.monotonic() + within
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return [
        _late(row, within) if thread.is_alive() else row
        for row, thread in zip(rows, threads, strict=True)
    ]


def _late(row: EnvironmentStatus, within: float) -> EnvironmentStatus:
    """A copy: the thread may still write into the row."""
    problem = f"{row.environment} did not answer within {within:g} s"
    return replace(row, problems=[*row.problems, problem])


def _fill(project: Project, row: EnvironmentStatus) -> None:
    environment = project.environment(row.environment)
    if not environment.spec.has_cluster:
        with _problems(row):
            _local(project, row)
        return
    with _problems(row):
        aws = account_access(environment)
        with _problems(row):
            records = record_store(project.root, environment, aws)
            row.smoke = next(records.newest_first("smoke", environment.name), None)
        if aws:
            stacks = deployed_stacks(aws)
            _deployed(row, of_stacks(stacks))
            _stacks(row, [stack for stack in stacks.values() if stack])
        else:
            _deployed(row, deployed_release(environment, None, seconds=SECONDS))


@contextmanager
def _problems(row: EnvironmentStatus) -> Iterator[None]:
    """Notes what cannot be found out."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        row.problems.append(f"AWS: {error}")
    except (KubectlError, StepError, OSError, ValueError) as error:
        row.problems.append(str(error))


def _deployed(row: EnvironmentStatus, runs: DeployedRelease) -> None:
    row.deployed, row.in_order, row.detail = runs.release, runs.in_order, runs.detail


def _stacks(row: EnvironmentStatus, stacks: "list[StackTypeDef]") -> None:
    """When they were last changed, and what the last look for drift found."""
    information = [stack.get("DriftInformation") for stack in stacks]
    drifts = {drift["StackDriftStatus"] if drift else "NOT_CHECKED" for drift in information}
    row.drift = next((drift for drift in WORST if drift in drifts), None)
    changed = (stack.get("LastUpdatedTime") or stack["CreationTime"] for stack in stacks)
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
    detail = f"runs at {address}" if address else "is stopped"
    _deployed(row, DeployedRelease(row.pinned if address else None, bool(address), detail))
    records = file_record_store(project.root)
    row.smoke = next(records.newest_first("smoke", row.environment), None)


def age(moment: datetime | None) -> str:
    """`3 h`, for people."""
    if moment is None:
        return ""
    minutes = int((datetime.now(UTC) - moment).total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} d"
