"""A tag may have moved since a node pulled it: it is asked for. A digest is not."""

from pathlib import Path

import pytest

from slipway.model import Environment
from tests.charts.conftest import environment_on_cluster, rendered, templates
from tests.charts.restricted import Spec, containers
from tests.charts.user_pods import user_pod
from tests.charts.variants import released, with_image

PINNED = "registry.example.org/team/editor@sha256:" + "a" * 64


def policies(pod: Spec) -> dict[str, str]:
    """By image, the policy of its first container in the pod, which pulls for the others."""
    found: dict[str, str] = {}
    for container in containers(pod):
        policy = container["imagePullPolicy"]
        # All of a pod is one version, also when one of its containers is restarted.
        assert found.setdefault(container["image"], policy) == policy or policy == "IfNotPresent"
    return found


def all_policies(environment: Environment, folder: Path) -> dict[str, set[str]]:
    pods = [template["spec"] for template in templates(rendered(environment)).values()]
    pods += [user_pod(environment, name, folder)["spec"] for name in environment.catalog.profiles]
    found: dict[str, set[str]] = {}
    for pod in pods:
        for image, policy in policies(pod).items():
            found.setdefault(image, set()).add(policy)
    return found


def test_a_tag_is_pulled_whenever_a_pod_starts(environment: Environment, tmp_path: Path):
    found = all_policies(environment, tmp_path)
    registry = environment.cluster_spec.registry
    assert {f"{registry}/{name}:working-tree" for name in ("hub", "proxy")} <= found.keys()
    assert set().union(*found.values()) == {"Always"}


def test_a_releases_digests_are_pulled_once(environment: Environment, tmp_path: Path):
    found = all_policies(released(environment), tmp_path)
    assert all("@sha256:" in image for image in found)
    assert set().union(*found.values()) == {"IfNotPresent"}


@pytest.mark.parametrize("name", ["kube", "dev"])
def test_an_image_by_digest_is_pulled_once_beside_others_by_tag(name: str, tmp_path: Path):
    found = all_policies(with_image(environment_on_cluster(name), reference=PINNED), tmp_path)
    assert found.pop(PINNED) == {"IfNotPresent"}
    assert set().union(*found.values()) == {"Always"}


def test_images_that_are_loaded_onto_nodes_need_no_registry(tmp_path: Path):
    environment = environment_on_cluster("kube", image_pull_policy="IfNotPresent")
    assert set().union(*all_policies(environment, tmp_path).values()) == {"IfNotPresent"}
