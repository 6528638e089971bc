"""`slipway status` on a terminal."""

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from slipway.cli.app import print_json
from slipway.model import load
from slipway.release.promotion.status import EnvironmentStatus, age, status

COLUMNS = ("environment", "pinned", "runs", "changed", "smoke test", "drift")
NOTHING = Text("—", "dim")


def run(root: Path, within: float, *, as_json: bool) -> None:
    rows = status(load(root), within)
    if as_json:
        print_json({"environments": [row.as_json() for row in rows]})
        return
    console = Console(highlight=False)
    table = Table(*COLUMNS, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(Text(row.environment, "bold"), row.pinned, *_cells(row))
    console.print(table)
    for row in rows:
        for problem in row.problems:
            console.print(Text(f"{row.environment}: {problem}", "yellow"), soft_wrap=True)
        if row.in_order is False and row.detail:
            console.print(Text(f"{row.environment}: {row.detail}", "dim"), soft_wrap=True)


def _cells(row: EnvironmentStatus) -> tuple[Text, Text, Text, Text]:
    good = row.in_order and row.deployed == row.pinned
    runs = Text(row.deployed, "green" if good else "red") if row.deployed else NOTHING
    drift = Text(row.drift.lower().replace("_", " "), _drift(row.drift)) if row.drift else NOTHING
    return runs, Text(age(row.since)) if row.since else NOTHING, _smoke(row), drift


def _drift(found: str) -> str:
    return {"IN_SYNC": "green", "DRIFTED": "red"}.get(found, "yellow")


def _smoke(row: EnvironmentStatus) -> Text:
    if row.smoke is None:
        return NOTHING
    word, style = ("passed", "green") if row.smoke.ok else ("failed", "red")
    if row.smoke.release != (row.deployed or row.pinned):
        word, style = f"{word} on {row.smoke.release}", "yellow"
    return Text(f"{word}, {age(row.smoke.at)} ago", style)
