"""The command line, `slipway`: its commands are in the modules beside this, which they share."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.segment import Segment

from slipway.model import InvalidProject, find_root
from slipway.steps import StepError
from slipway.untrusted import printable

COMMANDS = (
    *("project", "up", "build", "audit", "migrate", "releases"),
    *("promote", "status", "rollback", "smoke", "aws"),
)
"""The modules with commands, in the order of `slipway --help`. They import what is slow to load
inside functions, so that `slipway check` is instant."""

_app = typer.Typer(
    name="slipway",
    help="JupyterHub with any web application behind it, as one versioned environment.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
command = _app.command


class PrintableConsole(Console):
    """A console that shows control characters and the like instead of sending them."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterator[Segment]:
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else printable(text), style, control)


console = PrintableConsole(stderr=True, highlight=False)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
ProjectFolder = Annotated[
    Path | None,
    typer.Option("--project", help="The project's folder; found from here upwards when left out."),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would be done, and change nothing.")
]
Confirmed = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
AwsProfile = Annotated[
    str | None, typer.Option(help="A profile of AWS's configuration, for that account.")
]


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 failed, 2 bad input."""
    for module in COMMANDS:
        import_module(f"slipway.cli.{module}")
    try:
        _app()
    except InvalidProject as error:
        tell(error)
        raise SystemExit(2) from None


def project_root(folder: Path | None) -> Path:
    return find_root((folder or Path.cwd()).absolute())


def tell(message: object) -> None:
    """Print a message for people, on standard error."""
    print(printable(str(message)), file=sys.stderr, flush=True)


def print_json(value: Any) -> None:
    print(json.dumps(value), flush=True)


def print_result(as_json: bool, fields: dict[str, Any], text: str) -> None:
    """Print what a command has done, for a program or for a person."""
    if as_json:
        print_json(fields)
    else:
        print_text(text)


def print_text(text: str, end: str = "\n") -> None:
    """Print a result for people."""
    print(printable(text), end=end, flush=True)


def progress(line: str) -> None:
    console.print(escape(line), soft_wrap=True)


def fail(message: object) -> typer.Exit:
    """Print why a command failed; raise the result."""
    tell(message)
    return typer.Exit(1)


def bad_input(message: object) -> typer.Exit:
    """Print what is wrong with what was asked; raise the result."""
    tell(message)
    return typer.Exit(2)


def confirmed_by_name(environment: str, what: str) -> bool:
    """Whether the user types the environment's name to let something be done to it."""
    answer: str = typer.prompt(f"Type {environment} to {what}", err=True)
    return answer == environment


@contextmanager
def errors_as_messages(*expected: type[Exception]) -> Iterator[None]:
    """Print an error that is `expected`, a failed step, or one of AWS or the disk as one line, and
    exit with 1."""
    from botocore.exceptions import BotoCoreError, ClientError

    plain: tuple[type[Exception], ...] = (StepError, *expected)
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise fail(f"AWS: {error}; run this again, it goes on where it was") from None
    except plain as error:
        raise fail(error) from None
    except OSError as error:
        raise fail(disk_message(error)) from None


def disk_message(error: OSError) -> str:
    return f"{error.filename or 'the disk'}: {error.strerror or error}"
