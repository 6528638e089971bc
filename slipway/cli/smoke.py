"""`slipway smoke`: progress, verdicts and the record; interrupted, it cleans up."""

import asyncio
import signal
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape

from slipway.cli.app import bad_input, fail, print_json
from slipway.model import Environment, load
from slipway.release.records import OperationRecord, record_store
from slipway.smoke.report import RED
from slipway.smoke.run import run as try_everything
from slipway.smoke.targets import NoHubError, smoke_target
from slipway.steps import StepError

console = Console(stderr=True, highlight=False)


def run(root: Path, name: str, url: str | None, token_file: Path | None, *, as_json: bool) -> None:
    """Exits with 1 if something is red, with 2 if there is nothing to try."""
    environment = load(root, name).environment(name)
    left: list[str] = []
    try:
        with smoke_target(environment, root, url, token_file) as target:
            console.print(f"[dim]…[/] {escape(target.url)}")
            found = _until_done_or_stopped(try_everything(environment, target, _say, left))
    except NoHubError as error:
        raise bad_input(error) from None
    if found is None:
        raise fail(
            f"stopped; not removed, the next run does it: {'; '.join(left)}"
            if left
            else "stopped; what the run had made was removed"
        )
    record = OperationRecord("smoke", name, found["release"], datetime.now(UTC), found["ok"], found)
    kept = _kept(root, environment, record)
    if as_json:
        print_json(found)
    else:
        print(_summary(found, kept))
    if not (found["ok"] and kept):
        raise typer.Exit(1)


def _kept(root: Path, environment: Environment, record: OperationRecord) -> str | None:
    """Where the record is. None if it could not be kept, and why on standard error."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return record_store(root, environment).add(record)
    except (StepError, OSError, BotoCoreError, ClientError) as error:
        console.print(f"[red]The record could not be kept: {escape(str(error))}[/]")
        return None


def _say(line: str) -> None:
    red = line.startswith(RED)
    console.print(f"[red]{escape(line)}[/]" if red else escape(line), soft_wrap=True)


def _until_done_or_stopped(
    work: Coroutine[Any, Any, dict[str, Any]],
) -> dict[str, Any] | None:
    """What the work returns; None if a signal ended it, after it has cleaned up."""

    async def main() -> dict[str, Any] | None:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()

        def stop() -> None:
            # Once: the next Ctrl-C must not break off the cleaning.
            for number in signals:
                loop.add_signal_handler(number, lambda: None)
            console.print("[dim]…[/] stopping: removing what this run has made")
            task.cancel()

        signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        for number in signals:
            loop.add_signal_handler(number, stop)
        try:
            return await task
        except asyncio.CancelledError:
            return None

    return asyncio.run(main())


def _summary(found: dict[str, Any], kept: str | None) -> str:
    checks = found["checks"]
    red = [check for check in checks if check["verdict"] in RED]
    skipped = sum(check["verdict"] == "not applicable" for check in checks)
    lines = [f"{check['verdict']}: {check['name']}: {check['detail']}" for check in red]
    lines.append(
        f"{len(checks)} checks of release {found['release']}: {len(red)} red, "
        f"{skipped} not applicable. Record: {kept or 'none'}"
    )
    return "\n".join(lines)
