"""The steps of a rehearsal, in order."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from slipway import facts
from slipway.rehearse import environments, releases, sandbox
from slipway.rehearse.rehearsal import Rehearsal, rehearsal
from slipway.steps import Steps

FIRST, BAD, NEXT = "1.0.0", "1.1.0", "1.2.0"
"""The releases of a rehearsal."""
NEVER_SEEN, SEEN = "Never seen", "Rehearsed"
"""The first profile's title in the last two."""
FOR_PROMOTIONS = (facts.REGISTRY_STACK, facts.DATA_STACK)
"""Where images and records of promotions go."""


def run(on: Rehearsal, steps: Steps, left: list[str]) -> None:
    """Raises StepError at the first step that does not show what it should."""
    first, second = on.first, on.second
    name = first.name

    def step(what: str, action: Callable[..., str], *arguments: object) -> None:
        steps.run(what, partial(action, *arguments))

    for aws in (first, second) if second else (first,):
        step(f"bootstrap {aws.name}", environments.bootstrap, on, aws)
    step(f"images of {name}", environments.publish, on, first)
    step(f"release {FIRST}", releases.freeze, on, FIRST)
    step(f"deploy {name}", releases.deploy, on, first)
    step("empty diff", environments.empty_diff, on, first)
    step("smoke record", releases.record_smoke, on)
    if second:
        step(f"prepare {second.name}", environments.prepare, on, second, *FOR_PROMOTIONS)
        step("drift", releases.drift_gate, on, second)
        step(f"promote {FIRST}", releases.promote, on, second)
        step(f"deploy {second.name}", releases.deploy, on, second)
    else:
        step("drift", environments.cdk_drift, on, first)
    step(f"failed release {BAD}", releases.bad_release, on, BAD, NEVER_SEEN)
    if second:
        step(f"promote {BAD}", releases.refused, on, second, {"release", "smoke"})
    step(f"rollback {name}", releases.rollback, on, FIRST)
    step(f"release {NEXT}", releases.freeze, on, NEXT, SEEN)
    step(f"update {name}", releases.deploy, on, first, SEEN)
    if second:
        step("smoke record again", releases.record_smoke, on)
        step(f"promote {NEXT}", releases.promote, on, second)
    step(f"teardown {name}", environments.teardown, on, first)
    step("leftovers", environments.no_leftovers, first, left)
    step(f"recreate {name}", environments.recreate, on, first)
    if second:
        step(f"{second.name} is untouched", releases.untouched, on, second, FIRST)


def rehearse(
    root: Path,
    steps: Steps,
    left: list[str],
    *,
    keep: bool = False,
    kubeconfig: Path | None = None,
) -> None:
    """Run every step; `left` gets what was left over. Raises what `rehearsal` raises."""
    with (
        sandbox.without_credentials(),
        rehearsal(root, steps.say, keep=keep, kubeconfig=kubeconfig) as on,
    ):
        run(on, steps, left)
        if on.genuine:
            steps.run("genuine cluster", on.genuine.verdict)
