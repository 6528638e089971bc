"""`cdk synth` of one environment and of two, against an empty EKS app.

The peer in the same run is the least that anyone pays for EKS in CDK and Python: a VPC and an Auto
Mode cluster with the kubectl provider and one object, on the same Python, Node and CLI, without the
library's own validation, as `app.py`. What the app takes of it without the CLI is printed as well.
Promised is at most twice the peer.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from benchmarks import publish
from slipway.toolchain.node import node_environment
from tests.support.local import ROOT

RUNS = 7
EMPTY = """
from aws_cdk import App, Stack, aws_eks_v2 as eks
from aws_cdk.lambda_layer_kubectl_v36 import KubectlV36Layer

app = App(builtin_cloud_formation_validation=False)
stack = Stack(app, "empty")
cluster = eks.Cluster(
    stack,
    "cluster",
    version=eks.KubernetesVersion.of("1.36"),
    kubectl_provider_options=eks.KubectlProviderOptions(kubectl_layer=KubectlV36Layer(stack, "k")),
)
cluster.add_manifest(
    "one", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "one"}}
)
app.synth()
"""


MEASURE = """
import json, resource, subprocess, sys, time
began = time.perf_counter()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([time.perf_counter() - began, used.ru_maxrss // 1024]))
"""


def synthesis(app: str, out: str, context: dict[str, str], cli: bool) -> list[str | Path]:
    """The command that synthesizes an app: the CLI, or the app as the CLI starts it."""
    run = [sys.executable, app]
    if not cli:
        return [*run]
    said = [option for key, value in context.items() for option in ("-c", f"{key}={value}")]
    tool = ROOT / "node_modules/.bin/cdk"
    return [tool, "synth", "--quiet", "--app", " ".join(run), "--output", out, *said]


def measured(app: str, context: dict[str, str], cli: bool) -> tuple[float, int]:
    """Wall seconds of a synthesis, and MiB: the most that one of its processes held."""
    with tempfile.TemporaryDirectory() as out:
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, *synthesis(app, out, context, cli)],
            check=True,
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={
                **node_environment(),
                "CDK_OUTDIR": out,
                "CDK_CONTEXT_JSON": json.dumps(context),
                "CDK_DISABLE_CLI_TELEMETRY": "true",
                "CI": "true",
            },
        )
    seconds, memory = json.loads(done.stdout)
    return seconds, memory


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        empty = Path(name) / "empty.py"
        empty.write_text(EMPTY)
        apps = {
            "one environment": ("app.py", {"env": "dev"}),
            "two environments": ("app.py", {}),
            "an empty EKS app": (str(empty), {}),
        }
        cases = {
            f"{what}, {how}": (*app, how == "cdk synth")
            for how in ("cdk synth", "app alone")
            for what, app in apps.items()
        }
        for case in cases.values():
            measured(*case)
        # In turns, so that what else the machine does falls on all alike.
        rounds = [{what: measured(*case) for what, case in cases.items()} for _ in range(RUNS)]
    times = {what: [one[what][0] for one in rounds] for what in cases}
    ratios, figures = {}, {}
    for how in ("cdk synth", "app alone"):
        one, two, empty_app = (times[f"{what}, {how}"] for what in apps)
        ratios[f"one environment / an empty EKS app, {how}"] = median(
            a / b for a, b in zip(one, empty_app, strict=True)
        )
        figures[f"each further environment, {how}, s"] = median(
            b - a for a, b in zip(one, two, strict=True)
        )
    figures |= {f"{what}, s": median(seconds) for what, seconds in times.items()}
    figures |= {f"{what}, MiB": max(r[what][1] for r in rounds) for what in cases}
    publish("synth", ratios, figures | {"load": round(os.getloadavg()[0], 1)})


def median(values: Iterable[float]) -> float:
    return round(statistics.median(values), 2)


if __name__ == "__main__":
    main()
