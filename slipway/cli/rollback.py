"""`slipway rollback` on a terminal."""

import sys
from pathlib import Path

import typer

from slipway.cli.app import print_json
from slipway.cli.promote import commit_and_deploy, errors_shown
from slipway.model import load
from slipway.release.promotion.rollback import Rollback, rollback


def run(
    root: Path,
    name: str,
    to: str | None,
    profile: str | None,
    *,
    keep_database: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """What it changes is shown first, and asked about where users lose something."""
    project = load(root)
    with errors_shown():
        options = {"to": to, "keep_database": keep_database, "profile": profile}
        planned = rollback(project, name, dry_run=True, **options)  # type: ignore[arg-type]
        for line in _plan(planned):
            print(line, file=sys.stderr)
        if dry_run:
            done = planned
        else:
            question = f"Type {name} to roll it back"
            if planned.restores and not yes and typer.prompt(question, err=True) != name:
                print("nothing was done", file=sys.stderr)
                raise typer.Exit(1)
            done = rollback(project, name, **options)  # type: ignore[arg-type]
    if as_json:
        print_json(done.as_json())
    else:
        print("\n".join([*done.diff, *_end(done)]))


def _plan(planned: Rollback) -> list[str]:
    back = f"{planned.environment} goes back from {planned.previous} to {planned.release}"
    seen = [f"users: {text}" for text in planned.users]
    return [f"{back} ({planned.chosen})", *seen, *planned.loses()]


def _end(done: Rollback) -> list[str]:
    if not done.pinned:
        return ["nothing was changed: --dry-run"]
    return [f"recorded in {done.record}", f"next: {commit_and_deploy(done.environment)}"]
