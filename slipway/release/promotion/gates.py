"""The gates of a promotion: what a release must have shown. What is not known is not passed."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from slipway.images.oci.descriptors import ImageError
from slipway.model import InvalidProject
from slipway.model.quantities import seconds
from slipway.model.signature import require_signature
from slipway.release.promotion import drift, scan
from slipway.release.promotion.access import EnvironmentAccess
from slipway.release.promotion.deployed import deployed_release
from slipway.steps import StepError
from slipway.toolchain.kubectl import KubectlError


@dataclass(frozen=True)
class Gate:
    """The verdict of one gate. `waived` says why somebody let the release pass nevertheless."""

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
"""Whether a gate is passed, and why."""
Check = Callable[[EnvironmentAccess, EnvironmentAccess], Verdict]


def release(source: EnvironmentAccess, target: EnvironmentAccess) -> Verdict:
    """Its stacks, or its hub and proxy, are of the release that it pins, and in order."""
    found = deployed_release(source.environment, source.aws)
    pinned = source.release.version
    if found.release != pinned and found.release is not None:
        return False, f"{source.name} pins {pinned} and runs {found.release}: deploy it first"
    return found.in_order and found.release == pinned, found.detail


def smoke(source: EnvironmentAccess, target: EnvironmentAccess) -> Verdict:
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
    if not timedelta(minutes=-5) < age < timedelta(seconds=seconds(limit)):
        return False, f"{when} is older than {limit}, or in the future: {remedy}"
    return True, f"{when} passed"


def _culprits(fields: Mapping[str, Any]) -> str:
    checks = fields.get("checks", [])
    red = [check["name"] for check in checks if check.get("verdict") in ("failed", "not enforced")]
    return f": {', '.join(red[:5])}" if red else ""


def signature(source: EnvironmentAccess, target: EnvironmentAccess) -> Verdict:
    """The target trusts a key that has signed the release, if it asks for one."""
    if not target.environment.cluster_spec.signed_by:
        return True, f"{target.name} asks for none"
    require_signature(target.root, target.environment, source.release)
    return True, f"by a key that {target.name} trusts"


GATES: dict[str, Check] = {
    "release": release,
    "smoke": smoke,
    "drift": drift.gate,
    "scan": scan.gate,
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
        ok, detail = _verdict(check, source, target)
        gates.append(Gate(name, ok, detail, None if ok else waivers.get(name)))
        report(gates[-1])
    return gates


def _verdict(check: Check, source: EnvironmentAccess, target: EnvironmentAccess) -> Verdict:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return check(source, target)
    except InvalidProject as error:
        return False, str(error)
    except (BotoCoreError, ClientError) as error:
        return False, f"cannot be found out, AWS: {error}"
    except (KubectlError, ImageError, StepError, OSError, ValueError) as error:
        return False, f"cannot be found out: {error}"
