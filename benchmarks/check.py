"""`slipway check`: the shipped files and a large project, against Python's own start.

The peer in the same run is the schema check that z2jh users have: loading YAML with PyYAML and
validating it with a JSON Schema (`jsonschema`, which JupyterHub brings along). It gives neither
lines nor references.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import publish

ROOT = Path(__file__).resolve().parents[1]
SLIPWAY = str(Path(sys.executable).parent / "slipway")
PEER = """
import sys, json, pathlib, yaml, jsonschema
root, schemas = map(pathlib.Path, sys.argv[1:])
files = [("catalog.yaml", "catalog")]
files += [(f"environments/{f.name}", "environment") for f in (root / "environments").iterdir()]
for name, kind in files:
    schema = json.loads((schemas / f"{kind}.json").read_text())
    jsonschema.validate(yaml.safe_load((root / name).read_text()), schema)
"""


def seconds(command: list[str], runs: int = 9) -> float:
    """Median wall time of a command that must succeed."""
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
        times.append(time.perf_counter() - began)
    return round(statistics.median(times), 3)


def large_project(folder: Path, profiles: int, environments: int) -> None:
    catalog = "apps:\n  lab: {kind: jupyterlab}\n  code: {kind: code-server}\n"
    catalog += "images:\n  base: {apps: [lab, code]}\nprofiles:\n"
    for n in range(profiles):
        catalog += f"  profile-{n}:\n    title: Profile {n}\n    image: base\n    app: code\n"
        catalog += "    resources: {cpu: {limit: 2}, memory: {guarantee: 1Gi, limit: 2Gi}}\n"
    catalog += "routes:\n"
    for n in range(profiles):
        catalog += f"  /route-{n}: {{profile: profile-{n}, app: code}}\n"
    (folder / "catalog.yaml").write_text(catalog)
    (folder / "environments").mkdir()
    for n in range(environments):
        text = (ROOT / "environments/prod.yaml").read_text()
        (folder / f"environments/env-{n}.yaml").write_text(text)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        large = Path(name)
        large_project(large, profiles=200, environments=20)
        start = seconds([sys.executable, "-c", "pass"])
        shipped = seconds([SLIPWAY, "check"])
        big = seconds([SLIPWAY, "check", f"--project={large}"])
        peer = seconds([sys.executable, "-c", PEER, str(large), str(ROOT / "schemas")], runs=3)
    publish(
        "check",
        ratios={
            "200 profiles x 20 environments / peer": round(big / peer, 3),
            "shipped files / python -c pass": round(shipped / start, 1),
        },
        figures={
            "python -c pass, s": start,
            "slipway check, shipped files, s": shipped,
            "slipway check, 200 x 20, s": big,
            "PyYAML + jsonschema, 200 x 20, s": peer,
        },
    )


if __name__ == "__main__":
    main()
