"""The command that tries a running environment."""

from pathlib import Path
from typing import Annotated

import typer

from slipway.cli.app import Json, ProjectFolder, app, project_root


@app.command(epilog="Example: slipway smoke dev --json")
def smoke(
    environment: Annotated[str, typer.Argument(help="A running environment.")],
    url: Annotated[
        str | None, typer.Option(help="Where the hub is, if not where its domain says.")
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(help="The token of the service smoke. Also: SLIPWAY_SMOKE_TOKEN."),
    ] = None,
    project: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Try everything that users get: profiles, apps, routes, and the walls between users."""
    from slipway.cli.smoke import run

    run(project_root(project), environment, url, token_file, as_json=as_json)
