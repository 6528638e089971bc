"""The commands on the project's files, and on this machine."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from slipway import facts
from slipway.cli.app import Json, ProjectFolder, app, bad_input, fail, print_json, project_root
from slipway.model import InvalidProject, Project, load


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


@app.command(epilog="Example: slipway schema catalog > schemas/catalog.json")
def schema(
    file: Annotated[str, typer.Argument(help="catalog, environment, platform or release")],
) -> None:
    """Print the JSON Schema of a file, for editors and other tools."""
    from slipway.model.schemas import SCHEMAS, json_schema

    if file not in SCHEMAS:
        raise bad_input(f"there is no schema {file!r}, there is {', '.join(SCHEMAS)}")
    print(json.dumps(json_schema(file), indent=2))


@app.command(epilog="Example: slipway render kube -o manifests && kubectl apply -f manifests")
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
    project: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Render the Kubernetes manifests as YAML, without AWS."""
    root = project_root(project)
    found = load(root, environment).environment(environment)
    if not found.spec.has_cluster:
        raise bad_input(f"{environment} is local: it has no cluster; run `slipway up`")
    from slipway.release.deploy import environments_to_render

    (found,), warnings = environments_to_render(root, [found], allow_code_drift=allow_code_drift)
    print(*warnings, sep="\n", end="\n" * bool(warnings), file=sys.stderr)
    from slipway.render import render as render_charts
    from slipway.render import yaml_text

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
    port: Annotated[
        int, typer.Option(help="Where to listen on 127.0.0.1; 0 takes any.")
    ] = facts.PROXY_PORT,
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
    if found.spec.has_cluster:
        raise bad_input(f"{environment} is not local; deploy it with cdk deploy")
    from slipway.cli.up import run

    if problem := run(found, root, port, browser=browser, as_json=as_json):
        raise fail(problem)
