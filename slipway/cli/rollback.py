"""`slipway rollback`: shows what it changes, and asks where users lose something."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from slipway import cli
from slipway.cli.promote import commit_and_deploy, resumable
from slipway.model import load

if TYPE_CHECKING:
    from slipway.release.promotion.rollback import Rollback


@cli.command(epilog="Example: slipway rollback prod --dry-run")
def rollback(
    environment: Annotated[str, typer.Argument(help="An environment that pins a release.")],
    to: Annotated[
        str | None, typer.Option(help="The release to go back to; left out, the one before.")
    ] = None,
    keep_database: Annotated[
        bool, typer.Option("--keep-database", help="Leave the hub's database as it is.")
    ] = False,
    dry_run: cli.DryRun = False,
    profile: cli.AwsProfile = None,
    yes: cli.Confirmed = False,
    project: cli.ProjectFolder = None,
    as_json: cli.Json = False,
) -> None:
    """Pin the release before, with the hub's database as that release left it."""
    from slipway.release.promotion.rollback import rollback as roll_back

    files = load(cli.project_root(project))
    operation = partial(
        roll_back, files, environment, to=to, keep_database=keep_database, profile=profile
    )
    with resumable():
        done = operation(dry_run=True)
        cli.tell("\n".join(_plan(done)))
        if not dry_run:
            if done.restores and not yes and not cli.confirmed_by_name(environment, "roll it back"):
                raise cli.fail("nothing was done")
            done = operation()
    cli.print_result(as_json, done.as_json(), "\n".join([*done.diff, *_end(done)]))


def _plan(planned: "Rollback") -> list[str]:
    back = f"{planned.environment} goes back from {planned.previous} to {planned.release}"
    seen = [f"users: {text}" for text in planned.users]
    return [f"{back} ({planned.chosen})", *seen, *planned.loses()]


def _end(done: "Rollback") -> list[str]:
    if not done.pinned:
        return ["nothing was changed: --dry-run"]
    return [f"recorded in {done.record}", f"next: {commit_and_deploy(done.environment)}"]
