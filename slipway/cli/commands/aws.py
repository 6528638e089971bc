"""The commands that act on AWS, or rehearse it."""

from pathlib import Path
from typing import Annotated

import typer

from slipway.cli.app import Confirmed, Json, ProjectFolder, app, project_root


@app.command(epilog="Example: slipway teardown dev --dry-run")
def teardown(
    environment: Annotated[str, typer.Argument(help="An environment on AWS.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go.")] = False,
    purge: Annotated[
        bool, typer.Option("--purge", help="Delete users' files, backups and secrets as well.")
    ] = False,
    yes: Confirmed = False,
    project: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Take an environment's compute away and keep its data. Stopped, it can be run again."""
    from slipway.cli import on_aws

    root = project_root(project)
    on_aws.teardown(root, environment, dry_run=dry_run, purge=purge, yes=yes, as_json=as_json)


@app.command(epilog="Example: slipway recreate dev")
def recreate(
    environment: Annotated[str, typer.Argument(help="An environment that was torn down.")],
    project: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Deploy an environment again, and show that its data is the same."""
    from slipway.cli import on_aws

    on_aws.recreate(project_root(project), environment, as_json=as_json)


@app.command(epilog="Example: slipway rehearse --json")
def rehearse(
    keep: Annotated[bool, typer.Option("--keep", help="Keep the logs in their folder.")] = False,
    kubeconfig: Annotated[
        Path | None,
        typer.Option(help="Of a cluster, not on AWS, that judges every object by a dry run."),
    ] = None,
    project: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Live through release, deploy, promotion, rollback and teardown on an emulated AWS."""
    from slipway.cli import on_aws

    root = project_root(project)
    on_aws.rehearse(root, keep=keep, kubeconfig=kubeconfig, as_json=as_json)


@app.command(epilog="Example: slipway doctor dev")
def doctor(
    environment: Annotated[
        str | None, typer.Argument(help="One on AWS, to look at its account too.")
    ] = None,
    project: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Say whether this machine and an environment's account are ready, and what to do if not."""
    from slipway.cli import on_aws

    on_aws.doctor(project_root(project), environment, as_json=as_json)


@app.command(epilog="Example: slipway addons dev && git diff platform.yaml")
def addons(
    environment: Annotated[
        str | None, typer.Argument(help="Whose account is asked; the first on AWS when left out.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what EKS offers.")] = False,
    project: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Pin the EKS add-ons in platform.yaml, in the versions that EKS itself would choose now."""
    from slipway.cli import on_aws

    on_aws.addons(project_root(project), environment, dry_run=dry_run, as_json=as_json)
