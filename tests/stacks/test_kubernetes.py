"""The charts' objects inside the templates."""

import json
import re
from typing import Any

from charts import rendering
from charts.aws_values import placeholder_values
from stacks.constructs.roll_out import REVISION_LABEL
from tests.stacks.conftest import KUBERNETES_OBJECT, Assembly, objects_in

STACK_OF_CHART = {"platform": "cluster", "hub": "hub"}
WORKLOADS = {"Deployment", "DaemonSet", "StatefulSet", "Job"}
NAMES = {
    "NodePool": "NodeClass",
    "IngressClass": "IngressClassParams",
    "PersistentVolumeClaim": "StorageClass",
}
ONLY_THE_DEPLOY_KNOWS = (
    *("FILE-SYSTEM-ID", "ACCESS-POINT-ID", "SNAPSHOTS-BUCKET", "NODE-ROLE-NAME"),
    *("USER-SECURITY-GROUP-ID", "SECURITY-GROUP-ID", r"SUBNET-ID-[a-z0-9-]+"),
)


def identity(item: dict[str, Any]) -> tuple[str, str]:
    return item["kind"], item["metadata"]["name"]


def test_the_stacks_apply_what_the_charts_render(assembly: Assembly) -> None:
    environment = assembly.environment
    rendered = rendering.objects(environment, placeholder_values(environment))
    for chart, stack in STACK_OF_CHART.items():
        applied = {identity(item): _chart_s(item) for item in objects_in(assembly, stack).values()}
        expected = {identity(item): item for item in rendered[chart]}
        assert set(applied) == set(expected)
        for one, item in expected.items():
            assert pattern(item).fullmatch(json.dumps(applied[one])), one


def _chart_s(item: dict[str, Any]) -> dict[str, Any]:
    """Without the label that the stack gives to pods."""
    if item["kind"] == "Deployment":
        item["spec"]["template"]["metadata"]["labels"].pop(REVISION_LABEL)
    return item


def pattern(item: dict[str, Any]) -> re.Pattern[str]:
    """The object's JSON, anything where it has a placeholder."""
    text = json.dumps(item)
    parts = re.split("|".join(ONLY_THE_DEPLOY_KNOWS), text)
    return re.compile(r"[^\"]+".join(re.escape(part) for part in parts))


def test_hub_and_proxy_go_with_the_hub_and_homes_stay_with_the_cluster(assembly: Assembly) -> None:
    hub = {identity(item) for item in objects_in(assembly, "hub").values()}
    platform = {identity(item) for item in objects_in(assembly, "cluster").values()}
    assert {("Deployment", "hub"), ("Deployment", "proxy")} <= hub
    assert {("Namespace", "slipway"), ("PersistentVolumeClaim", "homes")} <= platform


def test_a_pod_starts_after_everything_it_mounts_or_is_governed_by(assembly: Assembly) -> None:
    objects = objects_in(assembly, "hub")
    resources = assembly.resources("hub")
    others = {i for i, item in objects.items() if item["kind"] not in WORKLOADS}
    workloads = {i for i, item in objects.items() if item["kind"] in WORKLOADS}
    assert len(workloads) == 3
    for logical_id in workloads:
        assert others <= set(resources[logical_id]["DependsOn"])
        assert {"hubidentity", "proxyidentity"} <= set(resources[logical_id]["DependsOn"])


def test_the_namespace_comes_before_what_lives_in_it(assembly: Assembly) -> None:
    objects = objects_in(assembly, "cluster")
    (namespace,) = (i for i, item in objects.items() if item["kind"] == "Namespace")
    resources = assembly.resources("cluster")
    for logical_id in set(objects) - {namespace}:
        assert namespace in resources[logical_id]["DependsOn"]


def test_classes_come_before_what_names_them_and_leave_after_it(assembly: Assembly) -> None:
    objects, resources = objects_in(assembly, "cluster"), assembly.resources("cluster")
    by_kind = {kind: {i for i, o in objects.items() if o["kind"] == kind} for kind in NAMES}
    for kind, named in NAMES.items():
        assert by_kind[kind]
        for logical_id in by_kind[kind]:
            classes = {i for i, o in objects.items() if o["kind"] == named}
            assert classes
            assert classes <= set(resources[logical_id]["DependsOn"])


def test_no_manifest_relies_on_prune_or_fails_on_an_object_that_exists(assembly: Assembly) -> None:
    for stack in STACK_OF_CHART.values():
        for resource in assembly.resources(stack, KUBERNETES_OBJECT).values():
            assert "PruneLabel" not in resource["Properties"]
            assert resource["Properties"]["Overwrite"] is True


def test_no_manifest_comes_near_the_providers_payload_limit(assembly: Assembly) -> None:
    for stack in STACK_OF_CHART.values():
        for resource in assembly.resources(stack, KUBERNETES_OBJECT).values():
            assert len(json.dumps(resource)) < 100_000
