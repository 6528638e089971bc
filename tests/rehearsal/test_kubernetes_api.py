"""The emulated Kubernetes API, used by the genuine kubectl."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from slipway.aws.kubeconfig import kubeconfig
from slipway.rehearse.kubernetes_api import KubernetesApi

pytestmark = pytest.mark.upstream

KUBECTL = Path(sys.executable).with_name("kubectl")
CLUSTER = "111122223333/eu-central-1/slipway-dev"


def config_map(**data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "words", "namespace": "default"},
        "data": data,
    }


def deployment(image: str) -> dict[str, Any]:
    labels = {"app": "web"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": {**labels, "revision": image}},
                "spec": {"containers": [{"name": "web", "image": image}]},
            },
        },
    }


@dataclass
class Client:
    api: KubernetesApi
    folder: Path
    events: list[tuple[str, str]] = field(default_factory=list)
    executed: list[list[str]] = field(default_factory=list)

    def kubectl(self, *arguments: str, item: dict[str, Any] | None = None) -> str:
        done = self.run(*arguments, item=item)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run(
        self, *arguments: str, item: dict[str, Any] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        config = self.folder / "kubeconfig"
        config.write_text(kubeconfig("dev", f"{self.api.url}/{CLUSTER}", self.api.ca, "token"))
        return subprocess.run(
            [str(KUBECTL), "--kubeconfig", str(config), *arguments],
            env={"HOME": str(self.folder)},
            input=json.dumps(item) if item else None,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    events: list[tuple[str, str]] = []
    executed: list[list[str]] = []
    api = KubernetesApi(
        "1.36",
        lambda cluster_id, what, item: events.append((what, item["kind"])),
        lambda cluster_id, command: executed.append(command),
    )
    yield Client(api, tmp_path, events, executed)
    api.stop()


def test_what_is_applied_is_there_changed_and_deleted(client: Client) -> None:
    client.kubectl("apply", "-f", "-", item=config_map(a="1", b="2"))
    client.kubectl("apply", "-f", "-", item=config_map(a="3"))
    found = json.loads(client.kubectl("get", "configmap", "words", "-o", "json"))
    assert found["data"] == {"a": "3"}, "what left the manifest left the object"
    client.kubectl("delete", "configmap", "words")
    assert "NotFound" in client.run("get", "configmap", "words").stderr
    assert client.events[-1] == ("deleted", "ConfigMap")


def test_an_object_that_the_schema_does_not_know_is_refused(client: Client) -> None:
    wrong = deployment("web:1")
    wrong["spec"]["replicsa"] = 2
    done = client.run("apply", "-f", "-", item=wrong)
    assert done.returncode != 0
    assert "replicsa" in done.stderr


def test_a_dry_run_checks_and_keeps_nothing(client: Client) -> None:
    client.kubectl("apply", "--dry-run=server", "-f", "-", item=config_map(a="1"))
    assert client.run("get", "configmap", "words").returncode != 0


def test_an_object_needs_its_namespace(client: Client) -> None:
    item = config_map(a="1")
    item["metadata"]["namespace"] = "nowhere"
    assert 'namespaces "nowhere" not found' in client.run("apply", "-f", "-", item=item).stderr


def ready(client: Client, image: str) -> str:
    path = "{.items[?(@.status.readyReplicas>0)].metadata.name}"
    selector = f"--selector=app=web,revision={image}"
    return client.kubectl("get", "replicasets", selector, f"-o=jsonpath={path}")


def test_a_roll_out_is_told_from_the_one_before(client: Client) -> None:
    """What a deploy waits for: `stacks/constructs/roll_out.py`."""
    client.kubectl("apply", "-f", "-", item=deployment("one"))
    assert ready(client, "one")
    client.api.cluster(CLUSTER).broken.add("web")
    client.kubectl("apply", "-f", "-", item=deployment("two"))
    assert not ready(client, "two")
    client.kubectl("apply", "-f", "-", item=deployment("one"))
    assert ready(client, "one")


def test_a_command_is_executed_in_a_deployments_pod(client: Client) -> None:
    client.kubectl("apply", "-f", "-", item=deployment("one"))
    client.kubectl("exec", "deployment/web", "--", "slipway-hub", "snapshot")
    assert client.executed == [["slipway-hub", "snapshot"]]


def test_a_namespace_takes_what_is_in_it(client: Client) -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team"}}
    item = config_map(a="1")
    item["metadata"]["namespace"] = "team"
    client.kubectl("apply", "-f", "-", item=namespace)
    client.kubectl("apply", "-f", "-", item=item)
    client.kubectl("delete", "namespace", "team")
    assert "No resources" in client.run("get", "configmaps", "-A").stderr
