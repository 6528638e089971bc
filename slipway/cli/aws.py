"""The commands that act on AWS, or rehearse that: progress on standard error, then a report."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from slipway import cli, facts
from slipway.model import Environment, load
from slipway.steps import Steps

if TYPE_CHECKING:
    from slipway.aws.account import AwsAccount
    from slipway.operate.teardown import OperationReport


@cli.command(epilog="Example: slipway teardown dev --dry-run")
def teardown(
    environment: Annotated[str, typer.Argument(help="An environment on AWS.")],
    dry_run: cli.DryRun = False,
    purge: Annotated[
        bool, typer.Option("--purge", help="Delete users' files, backups and secrets as well.")
    ] = False,
    yes: cli.Confirmed = False,
    project: cli.ProjectFolder = None,
    as_json: cli.Json = False,
) -> None:
    """Delete an environment's compute and keep its data. Interrupted, it can be run again."""
    aws = _account(cli.project_root(project), environment)
    from slipway.operate import teardown as operation

    if dry_run:
        with cli.errors_as_messages():
            aws.check()
            plan = operation.plan(aws)
        cli.print_result(as_json, {"ok": True, "plan": plan}, "\n".join(plan))
        return
    # --yes alone does not delete users' files.
    loss = " and delete every user's files, backups and secrets" if purge else ""
    if (purge or not yes) and not cli.confirmed_by_name(environment, f"tear it down{loss}"):
        raise cli.fail("nothing was done")
    _run(lambda steps: operation.teardown(aws, steps, with_data=purge), as_json)


@cli.command(epilog="Example: slipway recreate dev")
def recreate(
    environment: Annotated[str, typer.Argument(help="An environment that was torn down.")],
    project: cli.ProjectFolder = None,
    as_json: cli.Json = False,
) -> None:
    """Deploy an environment again, and check that its data is the same."""
    root = cli.project_root(project)
    aws = _account(root, environment)
    from slipway.operate import recreate as operation

    _run(lambda steps: operation.recreate(aws, root, steps), as_json)


@cli.command(epilog="Example: slipway rehearse --json")
def rehearse(
    keep: Annotated[bool, typer.Option("--keep", help="Keep the logs in their folder.")] = False,
    kubeconfig: Annotated[
        Path | None,
        typer.Option(help="Of a cluster that is not on AWS: every object is dry-run there."),
    ] = None,
    project: cli.ProjectFolder = None,
    as_json: cli.Json = False,
) -> None:
    """Release, deploy, promote, roll back, tear down and recreate on an emulated AWS."""
    from slipway.rehearse import life_cycle
    from slipway.rehearse.emulator import EmulatorError
    from slipway.release.pin import PinError

    steps, leftovers, ended = Steps(cli.progress), list[str](), False
    try:
        with _stopped_by_sigterm(), cli.errors_as_messages(EmulatorError, PinError, ValueError):
            life_cycle.rehearse(
                cli.project_root(project), steps, leftovers, keep=keep, kubeconfig=kubeconfig
            )
            ended = True
    finally:
        seconds = sum(step.seconds for step in steps.done)
        summary = f"{len(steps.done)} steps in {seconds:.0f} s, {len(leftovers)} leftovers"
        # Interrupted between two steps, none of them failed.
        ok = ended and steps.ok and not leftovers
        done = [step.as_json() for step in steps.done]
        cli.print_result(as_json, {"ok": ok, "steps": done, "leftovers": leftovers}, summary)


@cli.command(epilog="Example: slipway doctor dev")
def doctor(
    environment: Annotated[
        str | None, typer.Argument(help="One on AWS, to look at its account too.")
    ] = None,
    project: cli.ProjectFolder = None,
    as_json: cli.Json = False,
) -> None:
    """Check whether this machine and an environment's account are ready for a deploy."""
    from slipway.operate.doctor import examine

    findings = examine(
        _environment(cli.project_root(project), environment) if environment else None
    )
    ok = all(finding.ok for finding in findings)
    fields = {"ok": ok, "findings": [finding.as_json() for finding in findings]}
    cli.print_result(as_json, fields, "\n".join(map(str, findings)))
    if not ok:
        raise typer.Exit(1)


@cli.command(epilog="Example: slipway addons dev && git diff platform.yaml")
def addons(
    environment: Annotated[
        str | None, typer.Argument(help="Whose account is asked. Default: the first one on AWS.")
    ] = None,
    dry_run: cli.DryRun = False,
    project: cli.ProjectFolder = None,
    as_json: cli.Json = False,
) -> None:
    """Pin the EKS add-ons in platform.yaml, in the versions that EKS would choose now."""
    from slipway.operate.addons import offers, pin

    root = cli.project_root(project)
    loaded = load(root)
    if not loaded.eks_specs:
        raise cli.bad_input("no environment has target: eks, and only EKS knows its add-ons")
    platform = loaded.platform
    aws = _account(root, environment or next(iter(loaded.eks_specs)))
    with cli.errors_as_messages():
        offered = list(offers(aws, platform.kubernetes))
        chosen = {offer.addon: offer.chosen for offer in offered}
        changed = any(platform.addons.get(addon) != chosen[addon] for addon in chosen)
        if changed and not dry_run:
            pin(root, {**platform.addons, **chosen})
    fields = {
        "kubernetes": platform.kubernetes,
        "addons": {
            offer.addon: {"chosen": offer.chosen, "before": platform.addons.get(offer.addon)}
            for offer in offered
        },
        "pinned": changed and not dry_run,
    }
    lines = [
        f"{offer.addon}: {platform.addons.get(offer.addon, 'not pinned')} -> {offer.chosen}"
        f" (offered: {', '.join(offer.offered[:3])})"
        for offer in offered
    ]
    cli.print_result(as_json, fields, "\n".join(lines))


def _environment(root: Path, name: str) -> Environment:
    """An environment on AWS. Exits with 2 if it is elsewhere."""
    selected = load(root, name).environment(name)
    if not selected.spec.on_aws:
        file = facts.environment_file(name)
        raise cli.bad_input(f"{file}: target: is {selected.spec.target}, not eks")
    return selected


def _account(root: Path, name: str) -> "AwsAccount":
    environment = _environment(root, name)
    from slipway.aws.account import AwsAccount

    return AwsAccount(environment)


def _run(operation: Callable[[Steps], "OperationReport"], as_json: bool) -> None:
    """Run a teardown or a recreation and print its report. Exits with 1 if it failed."""
    steps = Steps(cli.progress)
    try:
        with cli.errors_as_messages():
            report = operation(steps)
    except typer.Exit:
        if as_json:
            cli.print_json({"ok": False, "steps": [step.as_json() for step in steps.done]})
        raise
    cli.print_result(as_json, report.as_json(), str(report))
    if not report.ok:
        raise typer.Exit(1)


@contextmanager
def _stopped_by_sigterm() -> Iterator[None]:
    """SIGTERM ends a rehearsal as Ctrl-C does: nothing stays running."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except KeyboardInterrupt:
        raise cli.fail("stopped") from None
    finally:
        signal.signal(signal.SIGTERM, before)
