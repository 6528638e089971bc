"""`slipway smoke local` with all apps of the shipped catalog, against `slipway up` here."""

import json
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks import publish
from tests.support.local import SLIPWAY, make_project, running_hub

LIMIT_SECONDS = 90
"""What a run may take."""
RUNS = 2
"""The first finds the files of apps not yet read from disk."""


def measured(folder: Path) -> tuple[float, dict[str, object]]:
    command = [SLIPWAY, "smoke", "local", "--json", f"--project={folder}"]
    began = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return round(time.perf_counter() - began, 1), json.loads(done.stdout)


def main() -> None:
    with tempfile.TemporaryDirectory() as name, running_hub(make_project(Path(name) / "p")) as hub:
        runs = [measured(hub.folder) for _ in range(RUNS)]
    verdicts = [check["verdict"] for check in runs[-1][1]["checks"]]  # type: ignore[attr-defined]
    publish(
        "smoke",
        ratios={
            "slowest run / what one may take": round(max(s for s, _ in runs) / LIMIT_SECONDS, 2)
        },
        figures={
            "slipway smoke local, first run, s": runs[0][0],
            "slipway smoke local, next run, s": runs[-1][0],
            "checks": len(verdicts),
            **{verdict: verdicts.count(verdict) for verdict in sorted(set(verdicts))},
        },
    )


if __name__ == "__main__":
    main()
