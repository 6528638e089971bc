"""The application of the command line, and what its commands share."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from slipway.model import InvalidProject, find_root

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
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would be done, and change nothing.")
]
Confirmed = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def run() -> None:
    """Run the command line. Exit codes: 0 done, 1 failed, 2 bad input."""
    import slipway.cli.commands  # noqa: F401

    try:
        app()
    except InvalidProject as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None


def project_root(folder: Path | None) -> Path:
    return find_root((folder or Path.cwd()).absolute())


def print_json(value: Any) -> None:
    print(json.dumps(value), flush=True)


def fail(message: object) -> typer.Exit:
    """Print why a command failed; raise the result."""
    print(message, file=sys.stderr)
    return typer.Exit(1)


def bad_input(message: object) -> typer.Exit:
    """Print what is wrong with what was asked; raise the result."""
    print(message, file=sys.stderr)
    return typer.Exit(2)
