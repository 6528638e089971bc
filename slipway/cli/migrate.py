"""`slipway migrate`: progress, what was found in the image, what to paste into the catalog."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slipway import cli, files
from slipway.facts import CATALOG_FILE
from slipway.model import load
from slipway.model.base import NAME
from slipway.untrusted import printable

SHOWN = 100
"""Lines of a kind."""

if TYPE_CHECKING:
    from slipway.images.migrate.examine import ExaminedImage
    from slipway.images.migrate.run import Migrated, MigrationOptions


@cli.command(
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
    project: cli.ProjectFolder = None,
    as_json: cli.Json = False,
) -> None:
    """Turn an existing VS Code or RStudio image into one for the hub. The image is never run."""
    from slipway.images.migrate.editors import EDITORS
    from slipway.images.migrate.run import MigrationOptions
    from slipway.images.oci.descriptors import Platform

    try:
        if editor not in ("auto", *EDITORS):
            raise ValueError(f"--app {editor}: there is auto, {', '.join(EDITORS)}")
        wanted_platform = Platform.parse(platform) if platform else None
    except ValueError as error:
        raise cli.bad_input(error) from None
    options = MigrationOptions(image, editor, name, wanted_platform, add_user, output, push, write)
    done = _migrate(cli.project_root(project), options, quiet=as_json)
    cli.print_result(as_json, done.as_json(), _summary(done, options))


def _migrate(root: Path, options: "MigrationOptions", *, quiet: bool) -> "Migrated":
    """Exits with 2 for an image or option that cannot be used, with 1 for what goes wrong."""
    from slipway.images.migrate.run import migrate, read_image
    from slipway.images.oci.descriptors import ImageError, RegistryError
    from slipway.images.registry import skopeo

    if options.name and not re.fullmatch(NAME, options.name):
        raise cli.bad_input(
            f"{options.name!r} is not a name of lower-case letters, digits and dashes; write for "
            "example team-vscode"
        )
    catalog = load(root).catalog
    try:
        if options.output:
            files.check_replaceable(options.output)
    except OSError as error:
        raise cli.bad_input(cli.disk_message(error)) from None
    try:
        skopeo.version()
        store, examined = read_image(root, options, _progress)
    except (RegistryError, OSError) as error:
        raise cli.fail(_told(options, error)) from error
    except ImageError as error:
        raise cli.bad_input(_told(options, error)) from error
    if not quiet:
        cli.tell(_findings(examined))
    try:
        return migrate(root, options, store, examined, catalog, _progress)
    except (ImageError, OSError) as error:
        raise cli.fail(_told(options, error)) from error


def _told(options: "MigrationOptions", error: Exception) -> str:
    what = cli.disk_message(error) if isinstance(error, OSError) else str(error)
    return printable(f"{options.image}: {what}", keep="")


def _summary(done: "Migrated", options: "MigrationOptions") -> str:
    from slipway.images.migrate.entry import as_yaml

    parts = [f"{done.name}  {done.digest}"]
    if options.output:
        parts.append(
            f"podman load -i {options.output}, or docker load, makes it {done.name}:latest"
        )
    if not options.push:
        parts.append("It is here only. --push REGISTRY/NAME:TAG puts it where a cluster finds it.")
    if options.write:
        parts.append(f"{CATALOG_FILE} has it; `slipway check`, then give users the route.")
    else:
        parts.append(f"To paste into {CATALOG_FILE}, or say --write:\n\n{as_yaml(done.entries)}")
    return "\n".join(parts).rstrip()


def _findings(image: "ExaminedImage") -> str:
    system, user, editor, report = image.system, image.user, image.editor, image.editor.report
    version = f" {editor.version}" if editor.version else ""
    text = [
        f"System    {system.name}, {system.platform}, {system.libc}",
        f"User      {user.name or '(no name)'} ({user.uid}:{user.gid}), home {image.image_home}",
        f"Editor    {editor.title}{version} at {editor.program}",
        f"Settings  {', '.join(report.files) or 'none'}",
        f"Ports     {', '.join(system.ports) or 'none'}",
        f"Python    {', '.join(system.pythons) or 'none'}",
    ]
    for title, items in (
        ("Kept", report.honoured),
        ("Taken over by the hub", report.taken_over),
        ("To know", report.warnings),
    ):
        if items:
            more = [f"and {len(items) - SHOWN} more: --json has all"] if len(items) > SHOWN else []
            text += ["", f"{title}:", *(f"  {item}" for item in [*items[:SHOWN], *more])]
    # What an image calls its things is no line of its own.
    return "\n".join(printable(line, keep="") for line in [*text, ""])


def _progress(step: str) -> None:
    cli.tell(f"… {step}")
