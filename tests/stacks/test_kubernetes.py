"""The charts' objects inside the templates."""

import json
from typing import Any

from charts import rendering
from charts.deployed_values import before_deploy
from tests.stacks.conftest import Assembly

KIND = "Custom::AWSCDK-EKS-KubernetesResource"
STACK_OF_CHART = {"platform": "cluster", "hub": "hub"}
WORKLOADS = {"Deployment", "DaemonSet", "StatefulSet", "Job"}


def text_of(manifest: Any) -> str:
    """The manifest's JSON, with each value only the deploy knows replaced by its logical id."""
    if isinstance(manifest, str):
        return manifest
    parts = manifest["Fn::Join"][1]
    return "".join(p if isinstance(p, str) else "".join(map(str, p.values())) for p in parts)


def in_template(assembly: Assembly, stack: str) -> dict[str, dict[str, Any]]:
    """Kubernetes objects by logical id; each has a resource of its own."""
    found = {}
    for logical_id, resource in assembly.resources(stack, KIND).items():
        (found[logical_id],) = json.loads(text_of(resource["Properties"]["Manifest"]))
    return found


def identity(item: dict[str, Any]) -> tuple[str, str]:
    return item["kind"], item["metadata"]["name"]


def test_the_stacks_apply_what_the_charts_render(assembly: Assembly) -> None:
    environment = assembly.environment
    rendered = rendering.objects(environment, before_deploy(environment))
    for chart, stack in STACK_OF_CHART.items():
        applied = {identity(item): item for item in in_template(assembly, stack).values()}
        expected = {identity(item): item for item in rendered[chart]}
        # The one value that only the deploy knows.
        homes = ("PersistentVolume", "slipway-homes")
        if chart == "platform":
            handle = applied.pop(homes)["spec"]["csi"]["volumeHandle"]
            assert "filesystem" in handle
            assert "::" in handle
            del expected[homes]
        assert applied == expected


def test_hub_and_proxy_go_with_the_hub_and_homes_stay_with_the_cluster(assembly: Assembly) -> None:
    hub = {identity(item) for item in in_template(assembly, "hub").values()}
    platform = {identity(item) for item in in_template(assembly, "cluster").values()}
    assert {("Deployment", "hub"), ("Deployment", "proxy")} <= hub
    assert {("Namespace", "slipway"), ("PersistentVolumeClaim", "homes")} <= platform


def test_a_pod_starts_after_everything_it_mounts_or_is_governed_by(assembly: Assembly) -> None:
    objects = in_template(assembly, "hub")
    resources = assembly.resources("hub")
    others = {i for i, item in objects.items() if item["kind"] not in WORKLOADS}
    workloads = {i for i, item in objects.items() if item["kind"] in WORKLOADS}
    assert len(workloads) == 2
    for logical_id in workloads:
        assert others <= set(resources[logical_id]["DependsOn"])
        assert "hubidentity" in resources[logical_id]["DependsOn"]


def test_the_namespace_comes_before_what_lives_in_it(assembly: Assembly) -> None:
    objects = in_template(assembly, "cluster")
    (namespace,) = (i for i, item in objects.items() if item["kind"] == "Namespace")
    resources = assembly.resources("cluster")
    for logical_id in set(objects) - {namespace}:
        assert namespace in resources[logical_id]["DependsOn"]


def test_no_manifest_relies_on_prune_or_fails_on_an_object_that_exists(assembly: Assembly) -> None:
    for stack in STACK_OF_CHART.values():
        for resource in assembly.resources(stack, KIND).values():
            assert "PruneLabel" not in resource["Properties"]
            assert resource["Properties"]["Overwrite"] is True


def test_no_manifest_comes_near_the_providers_payload_limit(assembly: Assembly) -> None:
    for stack in STACK_OF_CHART.values():
        for resource in assembly.resources(stack, KIND).values():
            assert len(json.dumps(resource)) < 100_000
