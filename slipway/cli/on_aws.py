"""The commands that act on AWS, or rehearse it: progress on standard error, a report at the end."""

import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape

from slipway.cli.app import bad_input
from slipway.model import Environment, load
from slipway.steps import StepError, Steps

console = Console(stderr=True, highlight=False)


def say(line: str) -> None:
    console.print(escape(line), soft_wrap=True)


def on_aws(root: Path, name: str) -> Environment:
    """The environment, if it is on AWS. Exits with 2 otherwise."""
    found = load(root, name).environment(name)
    if not found.spec.on_aws:
        print(f"environments/{name}.yaml: target: is {found.spec.target}, not eks", file=sys.stderr)
        raise typer.Exit(2)
    return found


def teardown(
    root: Path, name: str, *, dry_run: bool, purge: bool, yes: bool, as_json: bool
) -> None:
    environment = on_aws(root, name)
    from slipway.aws.account import AwsAccount
    from slipway.operate import teardown as act

    aws = AwsAccount(environment)
    if dry_run:
        with _told():
            aws.check()
            _print(as_json, {"ok": True, "plan": act.plan(aws)}, "\n".join(act.plan(aws)))
        return
    # No --yes speaks for users' files.
    loss = " and delete every user's files, backups and secrets" if purge else ""
    asked = f"Type {name} to tear it down{loss}"
    if (purge or not yes) and typer.prompt(asked, err=True) != name:
        print("nothing was done", file=sys.stderr)
        raise typer.Exit(1)
    _report(lambda steps: act.teardown(aws, steps, with_data=purge), as_json)


def recreate(root: Path, name: str, *, as_json: bool) -> None:
    environment = on_aws(root, name)
    from slipway.aws.account import AwsAccount
    from slipway.operate import recreate as act

    aws = AwsAccount(environment)
    _report(lambda steps: act.recreate(aws, root, steps), as_json)


def rehearse(root: Path, *, keep: bool, kubeconfig: Path | None, as_json: bool) -> None:
    from slipway.rehearse import rehearsal
    from slipway.rehearse.emulator import EmulatorError
    from slipway.release.promotion.pin import PinError

    steps, left, ended = Steps(say), list[str](), False
    try:
        with _ends_with_a_signal(), _told():
            rehearsal.rehearse(root, steps, left, keep=keep, kubeconfig=kubeconfig)
            ended = True
    except (EmulatorError, PinError, ValueError, OSError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
    finally:
        seconds = sum(step.seconds for step in steps.done)
        summary = f"{len(steps.done)} steps in {seconds:.0f} s, {len(left)} leftovers"
        ok = ended and steps.ok and not left  # stopped between two steps, none of them failed
        fields = {"ok": ok, "steps": [step.as_json() for step in steps.done], "leftovers": left}
        _print(as_json, fields, summary)


def doctor(root: Path, name: str | None, *, as_json: bool) -> None:
    from slipway.operate import doctor as act

    environment = on_aws(root, name) if name else None
    findings = act.examine(environment)
    ok = all(finding.ok for finding in findings)
    fields = {"ok": ok, "findings": [finding.as_json() for finding in findings]}
    _print(as_json, fields, "\n".join(map(str, findings)))
    if not ok:
        raise typer.Exit(1)


def addons(root: Path, name: str | None, *, dry_run: bool, as_json: bool) -> None:
    from slipway.aws.account import AwsAccount
    from slipway.operate import addons as act

    project = load(root)
    on_eks = list(project.eks_specs)
    if not on_eks:
        raise bad_input("no environment has target: eks, and only EKS knows its add-ons")
    platform = project.platform
    with _told():
        offers = list(act.offers(AwsAccount(on_aws(root, name or on_eks[0])), platform.kubernetes))
    chosen = {offer.addon: offer.chosen for offer in offers}
    changed = {a: v for a, v in chosen.items() if platform.addons.get(a) != v}
    if changed and not dry_run:
        with _told():
            act.pin(root, {**platform.addons, **chosen})
    fields = {
        "kubernetes": platform.kubernetes,
        "addons": {
            offer.addon: {"chosen": offer.chosen, "before": platform.addons.get(offer.addon)}
            for offer in offers
        },
        "pinned": bool(changed) and not dry_run,
    }
    lines = [
        f"{offer.addon}: {platform.addons.get(offer.addon, 'not pinned')} -> {offer.chosen}"
        f" (offered: {', '.join(offer.offered[:3])})"
        for offer in offers
    ]
    _print(as_json, fields, "\n".join(lines))


def _report(act: Callable[[Steps], Any], as_json: bool) -> None:
    steps = Steps(say)
    try:
        with _told():
            found = act(steps)
    except typer.Exit:
        if as_json:
            _print(True, {"ok": False, "steps": [step.as_json() for step in steps.done]}, "")
        raise
    _print(as_json, found.as_json(), str(found))
    if not found.ok:
        raise typer.Exit(1)


@contextmanager
def _told() -> Iterator[None]:
    """What AWS or a step says, as one line and not as a traceback."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except StepError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
    except (BotoCoreError, ClientError) as error:
        print(f"AWS: {error}; run this again, it goes on where it was", file=sys.stderr)
        raise typer.Exit(1) from None


@contextmanager
def _ends_with_a_signal() -> Iterator[None]:
    """SIGTERM ends a rehearsal as Ctrl-C does: nothing stays running."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        raise typer.Exit(1) from None
    finally:
        signal.signal(signal.SIGTERM, before)


def _print(as_json: bool, fields: dict[str, Any], text: str) -> None:
    print(json.dumps(fields) if as_json else text, flush=True)
