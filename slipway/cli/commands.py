"""The commands: a thin layer, each calls functions that a test can call too.

Heavy modules are imported inside the commands, so that `slipway check` is instant.
"""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from slipway.model import InvalidProject, Project, find_root, load

app = typer.Typer(
    name="slipway",
    help="JupyterHub with any web application behind it, as one versioned environment.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
ProjectFolder = Annotated[
    Path | None,
    typer.Option("--project", help="The project's folder; found from here upwards when left out."),
]


def run() -> None:
    """Run the command line. Exit codes: 0 done, 1 failed, 2 bad input."""
    try:
        app()
    except InvalidProject as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None


def project_root(folder: Path | None) -> Path:
    return find_root((folder or Path.cwd()).absolute())


def print_json(value: Any) -> None:
    print(json.dumps(value), flush=True)


def fail(message: str) -> typer.Exit:
    """Print why a command failed; raise the result."""
    print(message, file=sys.stderr)
    return typer.Exit(1)


@app.command(
    epilog="Example: slipway check dev",
)
def check(
    environment: Annotated[str | None, typer.Argument(help="Check what this one needs.")] = None,
    project: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Validate catalog, environments, releases and the references between them."""
    try:
        found = load(project_root(project), environment)
        _check_settings(found)
    except InvalidProject as error:
        if as_json:
            print_json({"ok": False, "errors": [p.as_json() for p in error.problems]})
            raise typer.Exit(2) from None
        raise
    if as_json:
        print_json({"ok": True, "errors": []})
    else:
        print(_summary(found))


def _check_settings(project: Project) -> None:
    """What only shows when everything is put together. Raises InvalidProject."""
    from slipway.hub_settings import settings_json

    for environment in project.environments():
        if environment.spec.target != "local":
            settings_json(environment)


def _summary(project: Project) -> str:
    catalog = project.catalog
    counts = {
        "apps": len(catalog.apps),
        "images": len(catalog.images),
        "profiles": len(catalog.profiles),
        "routes": len(catalog.routes),
        "releases": len(project.releases),
    }
    words = ", ".join(f"{count} {what}" for what, count in counts.items())
    return f"Good: {words}; environments {', '.join(project.specs)}."


@app.command(epilog="Example: slipway schema catalog > schemas/catalog.json")
def schema(
    file: Annotated[str, typer.Argument(help="catalog, environment or release")],
) -> None:
    """Print the JSON Schema of a file, for editors and other tools."""
    from slipway.model.schemas import SCHEMAS, json_schema

    if file not in SCHEMAS:
        print(f"there is no schema {file!r}, there is {', '.join(SCHEMAS)}", file=sys.stderr)
        raise typer.Exit(2)
    print(json.dumps(json_schema(file), indent=2))


@app.command(epilog="Example: slipway render kube -o manifests && kubectl apply -f manifests")
def render(
    environment: Annotated[str, typer.Argument(help="An environment on a cluster.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The folder to write into.")
    ] = None,
    project: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Render the Kubernetes manifests as YAML, without AWS."""
    found = load(project_root(project), environment).environment(environment)
    if found.spec.target == "local":
        print(f"{environment} is local: it has no cluster; run `slipway up`", file=sys.stderr)
        raise typer.Exit(2)
    from slipway.cli.render import render as render_charts
    from slipway.cli.render import yaml_text

    if output is None and not as_json:
        print(yaml_text(found), end="")
        return
    objects = render_charts(found, output)
    if as_json:
        print_json({"environment": environment, "release": found.release_name, "objects": objects})
    else:
        print(f"{len(objects)} objects in {output}")


@app.command(epilog="Example: slipway up --port 8080")
def up(
    port: Annotated[int, typer.Option(help="Where to listen on 127.0.0.1; 0 takes any.")] = 8000,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the hub in your browser.")
    ] = True,
    environment: Annotated[str, typer.Option(help="A local environment.")] = "local",
    project: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Run JupyterHub with your catalog on this machine, until Ctrl-C."""
    root = project_root(project)
    found = load(root, environment).environment(environment)
    if found.spec.target != "local":
        print(f"{environment} is not local; deploy it with cdk deploy", file=sys.stderr)
        raise typer.Exit(2)
    from slipway.cli.up import run

    if problem := run(found, root, port, browser=browser, as_json=as_json):
        raise fail(problem)


Confirmed = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


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
    project: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Live through deploy, update, rollback, teardown and recreate on an emulated AWS."""
    from slipway.cli import on_aws

    on_aws.rehearse(project_root(project), keep=keep, as_json=as_json)


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
    if target and target.spec.target == "local":
        print(f"{push} is local: it has no registry", file=sys.stderr)
        raise typer.Exit(2)
    try:
        options, arguments = on_terminal.options(
            platform, argument or [], cache=cache, renew=renew, sboms=sbom, jobs=jobs
        )
    except ValueError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None
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
    from slipway.migrate.editors import EDITORS
    from slipway.migrate.run import Wanted
    from slipway.oci.descriptors import Platform

    try:
        if editor not in ("auto", *EDITORS):
            raise ValueError(f"--app {editor}: there is auto, {', '.join(EDITORS)}")
        wanted_platform = Platform.parse(platform) if platform else None
    except ValueError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None
    wanted = Wanted(image, editor, name, wanted_platform, add_user, output, push, write)
    try:
        done = run(project_root(project), wanted, quiet=as_json)
    except CannotMigrateError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(error.code) from None
    if as_json:
        print_json(done.as_json())
    else:
        print(summary(done, wanted))
