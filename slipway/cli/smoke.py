"""`slipway smoke`: progress, verdicts and the record; interrupted, it cleans up."""

import asyncio
import signal
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from slipway import cli
from slipway.model import Environment, load


@cli.command(epilog="Example: slipway smoke dev --json")
def smoke(
    environment: Annotated[str, typer.Argument(help="A running environment.")],
    url: Annotated[
        str | None, typer.Option(help="Where the hub is, if not where its domain says.")
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(help="The token of the service smoke. Also: SLIPWAY_SMOKE_TOKEN."),
    ] = None,
    project: cli.ProjectFolder = None,
    as_json: cli.Json = False,
) -> None:
    """Try everything that users get: profiles, apps, routes, and the walls between users."""
    from slipway.smoke.run import run
    from slipway.smoke.targets import NoHubError, smoke_target

    root = cli.project_root(project)
    selected = load(root, environment).environment(environment)
    left: list[str] = []
    try:
        with smoke_target(selected, root, url, token_file) as target:
            cli.console.print(f"[dim]…[/] {escape(target.url)}")
            report = _until_done_or_stopped(run(selected, target, _say, left))
    except NoHubError as error:
        raise cli.bad_input(error) from None
    if report is None:
        raise cli.fail(
            f"stopped; not removed, the next run does it: {'; '.join(left)}"
            if left
            else "stopped; what the run had made was removed"
        )
    record = _keep_record(root, selected, report)
    cli.print_result(as_json, report, _summary(report, record))
    if not (report["ok"] and record):
        raise typer.Exit(1)


def _keep_record(root: Path, environment: Environment, report: dict[str, Any]) -> str | None:
    """Where the record is. None if it could not be kept, and why on standard error."""
    from botocore.exceptions import BotoCoreError, ClientError

    from slipway.release.records import OperationRecord, record_store
    from slipway.steps import StepError

    now, release, ok = datetime.now(UTC), report["release"], report["ok"]
    record = OperationRecord("smoke", environment.name, release, now, ok, report)
    try:
        return record_store(root, environment).add(record)
    except (StepError, OSError, BotoCoreError, ClientError) as error:
        cli.console.print(f"[red]The record could not be kept: {escape(str(error))}[/]")
        return None


def _say(line: str) -> None:
    from slipway.smoke.report import RED

    if line.startswith(RED):
        cli.console.print(f"[red]{escape(line)}[/]", soft_wrap=True)
    else:
        cli.progress(line)


def _until_done_or_stopped(work: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any] | None:
    """What the work returns; None if a signal ended it, after it has cleaned up."""

    async def main() -> dict[str, Any] | None:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()

        def stop() -> None:
            # Once: the next Ctrl-C must not break off the cleaning.
            for number in signals:
                loop.add_signal_handler(number, lambda: None)
            cli.console.print("[dim]…[/] stopping: removing what this run has made")
            task.cancel()

        signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        for number in signals:
            loop.add_signal_handler(number, stop)
        try:
            return await task
        except asyncio.CancelledError:
            return None

    return asyncio.run(main())


def _summary(report: dict[str, Any], record: str | None) -> str:
    from slipway.smoke.report import RED

    checks = report["checks"]
    red = [check for check in checks if check["verdict"] in RED]
    skipped = sum(check["verdict"] == "not applicable" for check in checks)
    lines = [f"{check['verdict']}: {check['name']}: {check['detail']}" for check in red]
    lines.append(
        f"{len(checks)} checks of release {report['release']}: {len(red)} red, "
        f"{skipped} not applicable. Record: {record or 'none'}"
    )
    return "\n".join(lines)
