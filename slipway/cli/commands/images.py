"""The commands that make images."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from slipway.cli.app import Json, ProjectFolder, app, bad_input, fail, print_json, project_root
from slipway.model import load


@app.command(epilog="Example: slipway build code-server --push dev")
def build(
    images: Annotated[
        list[str] | None,
        typer.Argument(help="The images to build; left out, all that an environment pulls."),
    ] = None,
    push: Annotated[
        str | None, typer.Option(help="Push to the registry of this environment.")
    ] = None,
    builder: Annotated[
        str | None, typer.Option(help="buildx, buildah or podman; the first that is here.")
    ] = None,
    platform: Annotated[
        str, typer.Option(help="linux/amd64, or several with commas (buildx). Default: this one.")
    ] = "",
    argument: Annotated[
        list[str] | None,
        typer.Option("--arg", help="NAME=VALUE for an ARG of the Dockerfiles, such as BASE."),
    ] = None,
    cache: Annotated[
        bool, typer.Option("--cache/--no-cache", help="Use what earlier builds left.")
    ] = True,
    renew: Annotated[
        bool, typer.Option("--pull", help="Look whether outside images have moved.")
    ] = False,
    sbom: Annotated[
        bool, typer.Option("--sbom/--no-sbom", help="Write a bill of materials per image.")
    ] = True,
    jobs: Annotated[int, typer.Option(help="Images to build at a time; 0: by processors.")] = 0,
    project: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Build what changed of the images, and push it."""
    root = project_root(project)
    found = load(root)
    from slipway.cli import build as on_terminal

    target = found.environment(push) if push else None
    if target and not target.spec.has_cluster:
        raise bad_input(f"{push} is local: it has no registry")
    try:
        options, arguments = on_terminal.options(
            platform, argument or [], cache=cache, renew=renew, sboms=sbom, jobs=jobs
        )
    except ValueError as error:
        raise bad_input(error) from None
    if problem := on_terminal.run(
        found, images or [], builder, arguments, options, target, as_json=as_json
    ):
        raise fail(problem)


@app.command(
    epilog="Example: slipway migrate registry.example.org/team/vscode:2024 --write, or "
    "docker save old | gzip > old.tar.gz && slipway migrate old.tar.gz"
)
def migrate(
    image: Annotated[
        str, typer.Argument(help="A reference in a registry, an archive, or an OCI layout.")
    ],
    editor: Annotated[str, typer.Option("--app", help="auto, code-server or rstudio.")] = "auto",
    name: Annotated[str | None, typer.Option(help="Its name in the catalog.")] = None,
    platform: Annotated[
        str | None, typer.Option(help="Of several: linux/amd64 or linux/arm64.")
    ] = None,
    add_user: Annotated[
        bool, typer.Option("--add-user", help="Put uid 1000 into copies of /etc/passwd and group.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write an archive for docker load.")
    ] = None,
    push: Annotated[str | None, typer.Option(help="Push it there: REGISTRY/NAME:TAG.")] = None,
    write: Annotated[bool, typer.Option("--write", help="Write it into catalog.yaml.")] = False,
    project: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Turn an existing VS Code or RStudio image into one for the hub. The image is never run."""
    from slipway.cli.migrate import CannotMigrateError, run, summary
    from slipway.images.migrate.editors import EDITORS
    from slipway.images.migrate.run import MigrationOptions
    from slipway.images.oci.descriptors import Platform

    try:
        if editor not in ("auto", *EDITORS):
            raise ValueError(f"--app {editor}: there is auto, {', '.join(EDITORS)}")
        wanted_platform = Platform.parse(platform) if platform else None
    except ValueError as error:
        raise bad_input(error) from None
    wanted = MigrationOptions(image, editor, name, wanted_platform, add_user, output, push, write)
    try:
        done = run(project_root(project), wanted, quiet=as_json)
    except CannotMigrateError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(error.code) from None
    if as_json:
        print_json(done.as_json())
    else:
        print(summary(done, wanted))
