"""`slipway status`: which release each environment pins and runs, as a table."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from slipway import cli
from slipway.model import load

if TYPE_CHECKING:
    from slipway.release.promotion.status import EnvironmentStatus

COLUMNS = ("environment", "pinned", "runs", "changed", "smoke test", "drift")
NOTHING = Text("—", "dim")
DRIFT_STYLES = {"IN_SYNC": "green", "DRIFTED": "red"}


@cli.command(epilog="Example: slipway status --json")
def status(
    within: Annotated[
        float, typer.Option(help="Seconds that an environment has to answer.", min=0.1)
    ] = 15,
    project: cli.ProjectFolder = None,
    as_json: cli.Json = False,
) -> None:
    """Show which release each environment pins and runs, and what is known of it."""
    from slipway.release.promotion.status import status as statuses

    rows = statuses(load(cli.project_root(project)), within)
    if as_json:
        cli.print_json({"environments": [row.as_json() for row in rows]})
        return
    console = cli.PrintableConsole(highlight=False)
    table = Table(*COLUMNS, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(Text(row.environment, "bold"), row.pinned, *_cells(row))
    console.print(table)
    for row in rows:
        for problem in row.problems:
            console.print(Text(f"{row.environment}: {problem}", "yellow"), soft_wrap=True)
        if row.in_order is False and row.detail:
            console.print(Text(f"{row.environment}: {row.detail}", "dim"), soft_wrap=True)


def _cells(row: "EnvironmentStatus") -> tuple[Text, Text, Text, Text]:
    from slipway.release.promotion.status import age

    runs = changed = smoke = drift = NOTHING
    if row.deployed:
        good = row.in_order and row.deployed == row.pinned
        runs = Text(row.deployed, "green" if good else "red")
    if row.since:
        changed = Text(age(row.since))
    if row.smoke:
        word, style = ("passed", "green") if row.smoke.ok else ("failed", "red")
        if row.smoke.release != (row.deployed or row.pinned):
            word, style = f"{word} on {row.smoke.release}", "yellow"
        smoke = Text(f"{word}, {age(row.smoke.at)} ago", style)
    if row.drift:
        drift = Text(row.drift.lower().replace("_", " "), DRIFT_STYLES.get(row.drift, "yellow"))
    return runs, changed, smoke, drift
