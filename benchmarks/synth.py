"""`python app.py` for one environment and for two, against an empty EKS app.

The peer in the same run is the least that anyone pays for EKS in CDK and Python: a VPC and an Auto
Mode cluster with the kubectl provider and one object, on the same Python and Node, without the
library's own validation.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import publish
from slipway.toolchain.node import node_environment
from tests.support.local import ROOT

RUNS = 7
EMPTY = """
from aws_cdk import App, Stack, aws_eks_v2 as eks
from aws_cdk.lambda_layer_kubectl_v36 import KubectlV36Layer

app = App()
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


def measured(command: list[str], context: str) -> tuple[float, int]:
    """Wall seconds of a synthesis, and MiB: the most that one of its two processes held."""
    with tempfile.TemporaryDirectory() as out:
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, *command],
            check=True,
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={
                **node_environment(),
                "CDK_OUTDIR": out,
                "CDK_CONTEXT_JSON": context,
                "CDK_VALIDATION": "false",
            },
        )
    seconds, memory = json.loads(done.stdout)
    return seconds, memory


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        app = Path(name) / "empty.py"
        app.write_text(EMPTY)
        ours = [sys.executable, "app.py"]
        cases = {
            "one environment": (ours, '{"env": "dev"}'),
            "two environments": (ours, "{}"),
            "an empty EKS app": ([sys.executable, str(app)], "{}"),
        }
        for case in cases.values():
            measured(*case)
        # In turns, so that what else the machine does falls on all alike.
        rounds = [{what: measured(*case) for what, case in cases.items()} for _ in range(RUNS)]
    times = {what: [one[what][0] for one in rounds] for what in cases}
    one, two, empty = cases
    publish(
        "synth",
        ratios={
            "one environment / an empty EKS app": round(
                statistics.median(a / b for a, b in zip(times[one], times[empty], strict=True)), 2
            )
        },
        figures={
            **{f"{what}, s": round(statistics.median(times[what]), 2) for what in cases},
            "each further environment, s": round(
                statistics.median(b - a for a, b in zip(times[one], times[two], strict=True)), 2
            ),
            **{f"{what}, MiB": max(r[what][1] for r in rounds) for what in cases},
            "load": round(os.getloadavg()[0], 1),
        },
    )


if __name__ == "__main__":
    main()
