"""`slipway rehearse --kubeconfig`: what a genuine cluster says of an EKS environment's objects."""

import copy
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from charts import aws_values, rendering
from slipway.model import load
from slipway.rehearse import emulator
from slipway.rehearse.cluster import KINDS, Kind, Refused
from slipway.rehearse.genuine import GenuineCluster
from slipway.rehearse.sandbox import CLOSED_PROXY, Sandbox
from tests.support.local import ROOT


@pytest.fixture
def genuine(tmp_path: Path) -> Iterator[GenuineCluster]:
    world = Sandbox(tmp_path, CLOSED_PROXY)
    emulator.write_commands(world.commands)
    made = GenuineCluster(Path(os.environ["KUBECONFIG"]), world)
    yield made
    made.stop()


def objects() -> list[tuple[Kind, rendering.Manifest]]:
    dev = load(ROOT).environment("dev")
    charts = rendering.objects(dev, aws_values.placeholder_values(dev))
    kinds = {(one.api, one.name): one for one in KINDS}
    return [
        (kinds[item["apiVersion"], item["kind"]], item)
        for items in charts.values()
        for item in items
    ]


def test_every_object_of_kubernetes_itself_is_fine(genuine: GenuineCluster) -> None:
    for kind, item in objects():
        genuine.judge(kind, item)
    assert "not known there: IngressClassParams, NodeClass, NodePool" in genuine.verdict()


def test_what_only_a_genuine_cluster_finds_is_refused(genuine: GenuineCluster) -> None:
    """The schema takes it: a selector that does not select the pods of its own template."""
    kind, hub = next((k, copy.deepcopy(i)) for k, i in objects() if k.name == "Deployment")
    hub["spec"]["selector"]["matchLabels"] = {"app": "another"}
    with pytest.raises(Refused, match="selector"):
        genuine.judge(kind, hub)
