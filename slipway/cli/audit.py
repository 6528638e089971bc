"""`slipway audit`: the command, and its report."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from slipway import cli
from slipway.model import Project, load
from slipway.model.release import built_here

if TYPE_CHECKING:
    from slipway.release.audit.audit import Bill, ImageAudit
    from slipway.release.audit.osv import Database

STYLES = {"vulnerable": "red", "not audited": "yellow", "nothing known": "green"}
COLUMNS = ("image", "what is known", "package", "version", "fixed in", "severity")


@cli.command(epilog="Example: slipway audit --database PyPI.zip --database Debian.zip")
def audit(
    images: Annotated[
        list[str] | None, typer.Argument(help="Left out, all that are built here.")
    ] = None,
    database: Annotated[
        list[Path] | None,
        typer.Option(help="An OSV export (all.zip) that you have downloaded; may be repeated."),
    ] = None,
    release: Annotated[
        str | None, typer.Option(help="A release's images in place of the newest builds.")
    ] = None,
    max_age: Annotated[
        int, typer.Option(help="Days since a database's newest record.", min=1, max=36500)
    ] = 30,
    accept: Annotated[
        list[str] | None,
        typer.Option(help="A kind of package that need not be audited, such as `generic`."),
    ] = None,
    only_fixed: Annotated[
        bool, typer.Option("--only-fixed", help="Fail for what a newer version mends.")
    ] = False,
    project: cli.ProjectFolder = None,
    as_json: cli.Json = False,
) -> None:
    """Compare images' packages with what is known of them. Nothing is downloaded, and what was
    compared with nothing is not audited: exit code 1."""
    found = load(cli.project_root(project))
    bills = _bills(found, images or [], release)
    from slipway.release.audit import audit as operation
    from slipway.release.audit.osv import DatabaseError

    try:
        audits, databases = operation.audit(
            bills,
            database or [],
            oldest=timedelta(days=max_age),
            accepted=accept or [],
            say=cli.progress,
        )
    except DatabaseError as error:
        raise cli.bad_input(error) from None
    except ValueError as error:
        raise cli.fail(error) from None
    except OSError as error:
        raise cli.fail(cli.disk_message(error)) from None
    ok = bool(audits) and all(one.is_ok(only_fixed=only_fixed) for one in audits)
    if as_json:
        cli.print_json(_fields(ok, audits, databases))
    else:
        _print(audits)
    if not ok:
        raise typer.Exit(1)


def _bills(project: Project, images: Sequence[str], version: str | None) -> "list[Bill]":
    from slipway.release import releases
    from slipway.release.audit.audit import bills_of_release, bills_of_working_tree

    release = releases.read(project.root, version) if version else None
    known = release.images if release else built_here(project.catalog)
    if strange := [image for image in images if image not in known]:
        raise cli.bad_input(f"no image {', '.join(strange)}: there is {', '.join(sorted(known))}")
    if release:
        return bills_of_release(project, release, images)
    return bills_of_working_tree(project, images)


def _fields(
    ok: bool, audits: "Sequence[ImageAudit]", databases: "Sequence[Database]"
) -> dict[str, Any]:
    verdicts = [one.verdict for one in audits]
    return {
        "ok": ok,
        "verdict": next((verdict for verdict in STYLES if verdict in verdicts), "not audited"),
        "databases": [one.as_json() for one in databases],
        "images": [one.as_json() for one in audits],
    }


def _print(audits: "Sequence[ImageAudit]") -> None:
    console = cli.PrintableConsole(highlight=False)
    table = Table(*COLUMNS, box=None, pad_edge=False, header_style="bold")
    for image in audits:
        name = f"{image.image} {image.platform}".strip()
        for one in image.vulnerabilities:
            row = (one.package.name, one.package.version, one.fixed or "—", one.severity or "—")
            known = one.id if one.certain else f"{one.id} (cannot be excluded)"
            table.add_row(*(Text(cell) for cell in (name, known, *row)))
    if table.row_count:
        console.print(table)
    for image in audits:
        name = f"{image.image} {image.platform}".strip()
        summary = f"{name}: {image.verdict}, {image.packages} packages"
        console.print(Text(summary, STYLES[image.verdict]), soft_wrap=True)
        for gap in image.gaps:
            told = "not audited, as you accept" if gap.accepted else "not audited"
            line = f"  {gap.packages} of {gap.ecosystem} {told}: {gap.reason}"
            console.print(Text(line), soft_wrap=True)
