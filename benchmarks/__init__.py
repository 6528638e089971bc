"""What Slipway takes of time and memory. `make bench-NAME` writes results/NAME.json."""

import json
import os
import platform
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def publish(name: str, ratios: dict[str, float], figures: dict[str, Any]) -> None:
    """Write `results/<name>.json` and print it as a table."""
    RESULTS.mkdir(exist_ok=True)
    machine = {"cpus": os.cpu_count(), "python": platform.python_version()}
    result = {"ratios": ratios, "figures": {**figures, "machine": machine}}
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n")
    for kind, values in (("ratio", ratios), ("figure", figures)):
        for key, value in values.items():
            print(f"{kind:8}{key:44}{value}")
