"""What a release must have shown before it is promoted. What cannot be found out is not passed."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from slipway.images.oci.descriptors import ImageError
from slipway.model import InvalidProject, Project
from slipway.model.quantities import seconds
from slipway.release.promotion import drift, scan
from slipway.release.promotion.deployed import CannotAsk, deployed
from slipway.release.promotion.sides import Side
from slipway.steps import StepError


@dataclass(frozen=True)
class Gate:
    """`waived` says why somebody let the release pass nevertheless."""

    name: str
    ok: bool
    detail: str
    waived: str | None = None

    @property
    def open(self) -> bool:
        return self.ok or self.waived is not None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


Verdict = tuple[bool, str]


def release(project: Project, source: Side, target: Side) -> Verdict:
    """Its stacks, or its hub and proxy, are of the release that it pins, and in order."""
    found = deployed(source.environment, source.place)
    pinned = source.release.version
    if found.release != pinned and found.release is not None:
        return False, f"{source.name} pins {pinned} and runs {found.release}: deploy it first"
    return found.in_order and found.release == pinned, found.detail


def smoke(project: Project, source: Side, target: Side) -> Verdict:
    """The newest smoke test was of this very release, passed, and is not old."""
    limit = target.environment.cluster_spec.gates.smoke_within
    remedy = f"run `slipway smoke {source.name}`"
    newest = next(iter(source.records().of("smoke", source.name)), None)
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
    if not timedelta(minutes=-5) < age < timedelta(seconds=seconds(limit)):
        return False, f"{when} is older than {limit}, or in the future: {remedy}"
    return True, f"{when} passed"


def _culprits(fields: Mapping[str, Any]) -> str:
    checks = fields.get("checks", [])
    red = [check["name"] for check in checks if check.get("verdict") in ("failed", "not enforced")]
    return f": {', '.join(red[:5])}" if red else ""


def signature(project: Project, source: Side, target: Side) -> Verdict:
    """The target trusts a key that has signed the release, if it asks for one."""
    if not target.environment.cluster_spec.signed_by:
        return True, f"{target.name} asks for none"
    from slipway.release.signature import verify

    verify(project, target.name, source.release.version)
    return True, f"by a key that {target.name} trusts"


GATES: dict[str, Callable[[Project, Side, Side], Verdict]] = {
    "release": release,
    "smoke": smoke,
    "drift": drift.gate,
    "scan": scan.gate,
    "signature": signature,
}


class CannotWaive(Exception):  # noqa: N818
    """What was asked for and why it is refused."""


def check_waivers(waivers: Mapping[str, str], target: Side) -> None:
    """Raises CannotWaive."""
    if unknown := sorted(set(waivers) - set(GATES)):
        raise CannotWaive(f"there is no gate {', '.join(unknown)}, there is {', '.join(GATES)}")
    if "signature" in waivers and target.environment.cluster_spec.signed_by:
        raise CannotWaive(
            f"{target.name} takes signed releases only (signed_by): sign it, nobody can waive that"
        )


def evaluate(
    project: Project,
    source: Side,
    target: Side,
    waivers: Mapping[str, str],
    told: Callable[[Gate], None] = lambda _: None,
) -> list[Gate]:
    """All of them, also after one has not passed; each is told as soon as it is known."""
    found = []
    for name, ask in GATES.items():
        ok, detail = _asked(ask, project, source, target)
        gate = Gate(name, ok, detail, None if ok else waivers.get(name))
        told(gate)
        found.append(gate)
    return found


def _asked(
    ask: Callable[[Project, Side, Side], Verdict], project: Project, source: Side, target: Side
) -> Verdict:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return ask(project, source, target)
    except InvalidProject as error:
        return False, str(error)
    except (BotoCoreError, ClientError) as error:
        return False, f"cannot be found out, AWS: {error}"
    except (CannotAsk, ImageError, StepError, OSError, ValueError) as error:
        return False, f"cannot be found out: {error}"
