"""Another cluster that judges a rehearsal's objects. Here it is the stand-in, asked by the genuine
kubectl; `tests/cluster` has a genuine one."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slipway.aws.kubeconfig import kubeconfig
from slipway.rehearse import emulator
from slipway.rehearse.cluster import KINDS, Kind, Refused
from slipway.rehearse.genuine import GenuineCluster
from slipway.rehearse.kubernetes_api import KubernetesApi
from slipway.rehearse.sandbox import CLOSED_PROXY, Sandbox
from slipway.steps import StepError

CLUSTER = "111122223333/eu-central-1/other"


def kind(name: str) -> Kind:
    return next(one for one in KINDS if one.name == name)


def config_map(name: str = "words", **fields: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "slipway"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, **fields}


@pytest.fixture
def world(tmp_path: Path) -> Sandbox:
    made = Sandbox(tmp_path, CLOSED_PROXY)
    emulator.write_commands(made.commands)
    return made


@pytest.fixture
def other() -> Iterator[KubernetesApi]:
    api = KubernetesApi("1.36", lambda *_: None, lambda *_: None)
    yield api
    api.stop()


@pytest.fixture
def file(tmp_path: Path, other: KubernetesApi) -> Path:
    made = tmp_path / "config"
    made.write_text(kubeconfig("other", f"{other.url}/{CLUSTER}", other.ca, "token"))
    return made


@pytest.fixture
def genuine(file: Path, world: Sandbox) -> Iterator[GenuineCluster]:
    made = GenuineCluster(file, world)
    yield made
    made.stop()


def namespaces(api: KubernetesApi) -> list[str]:
    found = api.cluster(CLUSTER).matching(kind("Namespace"), None, {})
    return [item["metadata"]["name"] for item in found]


def test_what_is_fine_is_counted_and_nothing_is_kept(
    file: Path, world: Sandbox, other: KubernetesApi
) -> None:
    genuine = GenuineCluster(file, world)
    (mine,) = [name for name in namespaces(other) if name.startswith("slipway-rehearsal-")]
    for _ in range(2):
        genuine.judge(kind("ConfigMap"), config_map(data={"a": "1"}))
    genuine.judge(kind("StorageClass"), storage_class())
    assert genuine.verdict() == "2 objects are fine for Kubernetes v1.36.0-emulated"
    assert not other.cluster(CLUSTER).matching(kind("ConfigMap"), None, {})
    assert not other.cluster(CLUSTER).matching(kind("StorageClass"), None, {})
    genuine.stop()
    assert mine not in namespaces(other)


def storage_class() -> dict[str, Any]:
    metadata = {"name": "homes"}
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": metadata,
        "provisioner": "efs.csi.aws.com",
    }


def test_what_it_refuses_is_refused_with_its_words(genuine: GenuineCluster) -> None:
    with pytest.raises(Refused, match="dtaa"):
        genuine.judge(kind("ConfigMap"), config_map(dtaa={"a": "1"}))
    with pytest.raises(StepError, match="was given no object"):
        genuine.verdict()


def test_kinds_of_eks_are_left_to_eks_and_named(genuine: GenuineCluster) -> None:
    genuine.judge(kind("NodePool"), {"metadata": {"name": "users"}})
    genuine.judge(kind("ConfigMap"), config_map())
    assert genuine.verdict().endswith("; not known there: NodePool")


def test_the_stand_in_for_a_cluster_asks_it(genuine: GenuineCluster) -> None:
    ours = KubernetesApi("1.36", lambda *_: None, lambda *_: None)
    try:
        ours.judge = genuine.judge
        item = config_map()
        item["metadata"]["namespace"] = "default"
        ours.cluster(CLUSTER).put(kind("ConfigMap"), "default", item, must_be_new=True)
        assert genuine.verdict().startswith("1 objects")
    finally:
        ours.stop()


def test_a_cluster_on_aws_is_never_reached(file: Path, world: Sandbox) -> None:
    config = json.loads(file.read_text())
    server = "https://ABC.gr7.eu-central-1.eks.amazonaws.com"
    config["clusters"][0]["cluster"]["server"] = server
    file.write_text(json.dumps(config))
    with pytest.raises(StepError, match="is on AWS, which a rehearsal never reaches"):
        GenuineCluster(file, world)


def test_no_program_logs_in_for_it(file: Path, world: Sandbox) -> None:
    config = json.loads(file.read_text())
    api = "client.authentication.k8s.io/v1"
    login = {"apiVersion": api, "command": "aws", "interactiveMode": "Never"}
    config["users"][0]["user"] = {"exec": login}
    file.write_text(json.dumps(config))
    with pytest.raises(StepError, match="name a kubeconfig with a certificate or a token"):
        GenuineCluster(file, world)


def test_a_file_or_cluster_that_is_not_there_is_told(file: Path, world: Sandbox) -> None:
    with pytest.raises(StepError, match="there is no such file"):
        GenuineCluster(file.with_name("nothing"), world)


def test_a_cluster_that_does_not_answer_is_told(file: Path, world: Sandbox) -> None:
    config = json.loads(file.read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:9"
    file.write_text(json.dumps(config))
    with pytest.raises(StepError, match="the genuine cluster"):
        GenuineCluster(file, world)
