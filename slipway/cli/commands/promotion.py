"""The commands that move releases between environments."""

from typing import Annotated

import typer

from slipway.cli.app import Confirmed, Json, ProjectFolder, app, bad_input, project_root

Profile = Annotated[
    str | None, typer.Option(help="A profile of AWS's configuration, for that account.")
]


@app.command(epilog="Example: slipway promote dev prod --dry-run")
def promote(
    source: Annotated[str, typer.Argument(metavar="FROM", help="Runs the release.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="Shall run it.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Evaluate the gates and show the change.")
    ] = False,
    force: Annotated[
        list[str] | None, typer.Option("--force", metavar="GATE", help="Go on without it.")
    ] = None,
    why: Annotated[
        list[str] | None, typer.Option("--why", metavar="TEXT", help="Why. Recorded.")
    ] = None,
    pull_request: Annotated[
        bool, typer.Option("--pull-request", help="Print one, or open it where gh is installed.")
    ] = False,
    from_profile: Profile = None,
    to_profile: Profile = None,
    project: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Let an environment run the release of another: gates, images by digest, pin."""
    from slipway.cli import promote as on_terminal
    from slipway.release.promotion.promote import PromotionRequest

    try:
        waivers = on_terminal.waivers(force or [], why or [])
    except ValueError as error:
        raise bad_input(error) from None
    request = PromotionRequest(source, target, waivers, dry_run, (from_profile, to_profile))
    on_terminal.run(project_root(project), request, as_pull_request=pull_request, as_json=as_json)


@app.command(epilog="Example: slipway status --json")
def status(
    within: Annotated[
        float, typer.Option(help="Seconds that an environment has to answer.", min=0.1)
    ] = 15,
    project: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Show which release each environment pins and runs, and what is known of it."""
    from slipway.cli import status as on_terminal

    on_terminal.run(project_root(project), within, as_json=as_json)


@app.command(epilog="Example: slipway rollback prod --dry-run")
def rollback(
    environment: Annotated[str, typer.Argument(help="An environment that pins a release.")],
    to: Annotated[
        str | None, typer.Option(help="The release to go back to; left out, the one before.")
    ] = None,
    keep_database: Annotated[
        bool, typer.Option("--keep-database", help="Leave the hub's database as it is.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change, and what users lose.")
    ] = False,
    profile: Profile = None,
    yes: Confirmed = False,
    project: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Pin the release before, with the hub's database as that release left it."""
    from slipway.cli import rollback as on_terminal

    on_terminal.run(
        project_root(project),
        environment,
        to,
        profile,
        keep_database=keep_database,
        dry_run=dry_run,
        yes=yes,
        as_json=as_json,
    )
