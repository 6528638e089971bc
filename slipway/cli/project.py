"""The commands on the project's files."""

import json
from pathlib import Path
from typing import Annotated

import typer

from slipway import cli
from slipway.model import InvalidProject, Project, load


@cli.command(epilog="Example: slipway check dev")
def check(
    environment: Annotated[str | None, typer.Argument(help="Check what this one needs.")] = None,
    project: cli.ProjectFolder = None,
    as_json: cli.Json = False,
) -> None:
    """Validate catalog, environments, releases and the references between them."""
    try:
        loaded = load(cli.project_root(project), environment)
        _check_settings(loaded)
    except InvalidProject as error:
        if as_json:
            cli.print_json({"ok": False, "errors": [p.as_json() for p in error.problems]})
            raise typer.Exit(2) from None
        raise
    cli.print_result(as_json, {"ok": True, "errors": []}, _summary(loaded))


def _check_settings(project: Project) -> None:
    """What only shows when everything is put together. Raises InvalidProject."""
    from slipway.settings.hub import settings_json

    for environment in project.environments():
        if environment.spec.has_cluster:
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


@cli.command(epilog="Example: slipway schema catalog > schemas/catalog.json")
def schema(
    file: Annotated[str, typer.Argument(help="catalog, environment, platform or release")],
) -> None:
    """Print the JSON Schema of a file, for editors and other tools."""
    from slipway.model.schemas import SCHEMAS, json_schema

    if file not in SCHEMAS:
        raise cli.bad_input(f"there is no schema {file!r}, there is {', '.join(SCHEMAS)}")
    print(json.dumps(json_schema(file), indent=2))


@cli.command(epilog="Example: slipway render kube -o manifests && kubectl apply -f manifests")
def render(
    environment: Annotated[str, typer.Argument(help="An environment on a cluster.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The folder to write into.")
    ] = None,
    allow_code_drift: Annotated[
        bool,
        typer.Option(
            "--allow-code-drift",
            help="Render a release with other code than its commit's; it is labelled working-tree.",
        ),
    ] = False,
    project: cli.ProjectFolder = None,
    as_json: cli.Json = False,
) -> None:
    """Render the Kubernetes manifests as YAML, without AWS."""
    root = cli.project_root(project)
    selected = load(root, environment).environment(environment)
    if not selected.spec.has_cluster:
        raise cli.bad_input(f"{environment} is local: it has no cluster; run `slipway up`")
    from slipway.release.deploy import environments_to_render

    rendered, warnings = environments_to_render(root, [selected], allow_code_drift=allow_code_drift)
    (selected,) = rendered
    for warning in warnings:
        cli.tell(warning)
    from slipway.render import render as render_charts
    from slipway.render import yaml_text

    if output is None and not as_json:
        print(yaml_text(selected), end="")
        return
    with cli.errors_as_messages():
        objects = render_charts(selected, output)
    fields = {"environment": environment, "release": selected.release_name, "objects": objects}
    cli.print_result(as_json, fields, f"{len(objects)} objects in {output}")
