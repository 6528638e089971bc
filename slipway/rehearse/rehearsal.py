"""The steps of a rehearsal, in order."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from slipway.rehearse import environments, sandbox, versions
from slipway.rehearse.stage import Stage, stage
from slipway.steps import Steps

FIRST, BAD, NEXT = "1.0.0", "1.1.0", "1.2.0"
"""The releases of a rehearsal."""
NEVER_SEEN, SEEN = "Never seen", "Rehearsed"
"""The first profile's title in the last two."""


def run(on: Stage, steps: Steps, left: list[str]) -> None:
    """Raises StepError at the first step that does not show what it should."""
    first, second = on.first, on.second
    name = first.name

    def step(what: str, action: Callable[..., str], *arguments: object) -> None:
        steps.run(what, partial(action, *arguments))

    for aws in (first, second) if second else (first,):
        step(f"bootstrap {aws.name}", environments.bootstrap, on, aws)
    step(f"images of {name}", environments.publish, on, first)
    step(f"release {FIRST}", versions.freeze, on, FIRST)
    step(f"deploy {name}", versions.deploy, on, first)
    step("empty diff", environments.empty_diff, on, first)
    step("smoke record", versions.record_smoke, on)
    if second:
        # Where images and records of promotions go.
        step(f"prepare {second.name}", environments.prepare, on, second, "registry", "data")
        step("drift", versions.drift, on, second)
        step(f"promote {FIRST}", versions.promote, on, second)
        step(f"deploy {second.name}", versions.deploy, on, second)
    else:
        step("drift", environments.drift, on, first)
    step(f"failed release {BAD}", versions.bad_release, on, BAD, NEVER_SEEN)
    if second:
        step(f"promote {BAD}", versions.refused, on, second, {"release", "smoke"})
    step(f"rollback {name}", versions.rollback, on, FIRST)
    step(f"release {NEXT}", versions.freeze, on, NEXT, SEEN)
    step(f"update {name}", versions.deploy, on, first, SEEN)
    if second:
        step("smoke record again", versions.record_smoke, on)
        step(f"promote {NEXT}", versions.promote, on, second)
    step(f"teardown {name}", environments.teardown, on, first)
    step("leftovers", environments.no_leftovers, first, left)
    step(f"recreate {name}", environments.recreate, on, first)
    if second:
        step(f"{second.name} is untouched", versions.untouched, on, second, FIRST)


def rehearse(
    root: Path,
    steps: Steps,
    left: list[str],
    *,
    keep: bool = False,
    kubeconfig: Path | None = None,
) -> None:
    """Run every step; `left` gets what was left over. Raises StepError and what `stage` raises."""
    with (
        sandbox.without_credentials(),
        stage(root, steps.say, keep=keep, kubeconfig=kubeconfig) as on,
    ):
        run(on, steps, left)
        if on.genuine:
            steps.run("genuine cluster", on.genuine.verdict)
