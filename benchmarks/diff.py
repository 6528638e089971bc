"""`slipway diff` without AWS, of an environment on a cluster and of one on AWS.

The peer in the same run is one synthesis of the same environment by `app.py`: a diff needs two.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import publish
from slipway.toolchain.node import node_environment
from tests.support.local import ROOT, SLIPWAY

RUNS = 7
LIMIT = 3.0
"""Seconds a diff may take."""


def seconds(command: list[str], folder: Path) -> float:
    """Wall time of a command that must succeed."""
    with tempfile.TemporaryDirectory() as out:
        context = {"CDK_OUTDIR": out, "CDK_CONTEXT_JSON": '{"env": "dev"}'}
        began = time.perf_counter()
        subprocess.run(
            command, check=True, capture_output=True, cwd=folder, env=node_environment() | context
        )
        return time.perf_counter() - began


def project(folder: Path) -> Path:
    """The shipped project with a commit, and a change of its catalog."""
    shutil.copytree(ROOT / "environments", folder / "environments")
    for name in ("catalog.yaml", "app.py", "cdk.json"):
        shutil.copy(ROOT / name, folder)
    who = ("-c", "user.name=bench", "-c", "user.email=bench@example.org")
    for command in (["init", "-q"], ["add", "-A"], [*who, "commit", "-q", "-m", "before"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    catalog = folder / "catalog.yaml"
    catalog.write_text(catalog.read_text().replace("title: Streamlit", "title: Dashboards"))
    return folder


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = project(Path(name))
        diff = [str(SLIPWAY), "diff"]
        commands = {
            "of an environment on AWS, s": [*diff, "dev"],
            "of one on a cluster, s": [*diff, "kube"],
            "of one without Kubernetes, s": [*diff, "local"],
            "one synthesis by app.py, s": [sys.executable, "app.py"],
        }
        for command in commands.values():
            seconds(command, folder)
        # In turns, so that what else the machine does falls on all alike.
        rounds = [{what: seconds(c, folder) for what, c in commands.items()} for _ in range(RUNS)]
    aws, *_, synthesis = commands
    figures = {what: round(statistics.median(one[what] for one in rounds), 2) for what in commands}
    publish(
        "diff",
        ratios={
            "a diff on AWS / one synthesis": round(
                statistics.median(one[aws] / one[synthesis] for one in rounds), 2
            ),
            "a diff on AWS / what it may take": round(figures[aws] / LIMIT, 2),
        },
        figures={**figures, "load": round(os.getloadavg()[0], 1)},
    )


if __name__ == "__main__":
    main()
