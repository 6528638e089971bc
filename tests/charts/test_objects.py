"""What the API server would say of the rendered objects, without one."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest

from slipway.model import Environment
from tests.charts.conftest import Object, environment_on_cluster, of_kind, one, rendered

SCHEMAS = Path(__file__).parent / "schemas"
AWS_KINDS = {file.stem for file in SCHEMAS.iterdir()}
CLUSTER_WIDE = {"Namespace", "PersistentVolume", "PriorityClass"}
OF_AUTO_MODE = {"StorageClass", "IngressClass"} | AWS_KINDS


@cache
def schema(kind: str) -> Any:
    found = json.loads((SCHEMAS / f"{kind}.json").read_text())
    jsonschema.Draft202012Validator.check_schema(found)
    return found


def test_every_object_is_valid_for_the_environments_kubernetes(
    variant_environment: Environment, variant_objects: list[Object]
) -> None:
    assert len(variant_objects) > 25
    for item in variant_objects:
        if item["kind"] in AWS_KINDS:
            jsonschema.validate(item, schema(item["kind"]))
        else:
            version = variant_environment.versions.kubernetes
            kubernetes_validate.validate(item, version, strict=True)


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("NodePool", ("spec", "template", "spec", "zone"), "a"),
        ("NodePool", ("spec", "disruption", "consolidationPolicy"), "WhenUnderutilized"),
        ("NodePool", ("spec", "disruption", "budgets"), [{"nodes": "0", "schedule": "@daily"}]),
        ("NodeClass", ("spec", "networkPolicy"), "Deny"),
        ("NodeClass", ("spec", "role"), "arn:aws:iam::1:role/x"),
        ("IngressClassParams", ("spec", "sslRedirectPort"), "443"),
    ],
)
def test_our_own_schemas_refuse_what_aws_would_not_take(
    kind: str, path: tuple[str, ...], value: Any
) -> None:
    (item, *_) = of_kind(rendered(environment_on_cluster("dev")), kind)
    inner: Any = item
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(item, schema(kind))


@pytest.mark.parametrize("name", ["kube"])
def test_only_kinds_that_any_cluster_knows_are_rendered(name: str) -> None:
    kinds = {item["kind"] for item in rendered(environment_on_cluster(name))}
    assert kinds.isdisjoint(OF_AUTO_MODE | {"PersistentVolume"})


def test_no_two_objects_have_the_same_identity(variant_objects: list[Object]) -> None:
    seen = [identity(item) for item in variant_objects]
    assert len(seen) == len(set(seen))


def identity(item: Object) -> tuple[str, str, str, str]:
    metadata = item["metadata"]
    return item["apiVersion"], item["kind"], metadata.get("namespace", ""), metadata["name"]


def test_everything_lives_in_the_environments_namespace_or_is_cluster_wide_on_purpose(
    variant_environment: Environment, variant_objects: list[Object]
) -> None:
    namespace = variant_environment.cluster_spec.namespace
    for item in variant_objects:
        kind, metadata = item["kind"], item["metadata"]
        if kind in CLUSTER_WIDE:
            assert "namespace" not in metadata
            assert metadata["name"].startswith(namespace)
        elif kind in OF_AUTO_MODE:
            # The cluster is the environment's own.
            assert variant_environment.spec.target == "eks"
            assert "namespace" not in metadata
        elif metadata["name"] == "amazon-vpc-cni":
            assert metadata["namespace"] == "kube-system"
        else:
            assert metadata["namespace"] == namespace


def test_two_environments_in_one_cluster_do_not_meet() -> None:
    first, second = (
        {identity(item) for item in rendered(environment_on_cluster("kube", namespace=name))}
        for name in ("one", "two")
    )
    assert first.isdisjoint(second)


def test_every_object_says_what_it_is_part_of(variant_objects: list[Object]) -> None:
    for item in variant_objects:
        labels = item["metadata"]["labels"]
        assert labels["app.kubernetes.io/part-of"] == "slipway"
        assert labels["app.kubernetes.io/managed-by"] == "slipway"


def test_the_release_is_written_where_it_restarts_nothing(variant_objects: list[Object]) -> None:
    version = "app.kubernetes.io/version"
    for name in ("hub", "proxy"):
        deployment = one(variant_objects, "Deployment", name)
        assert deployment["metadata"]["labels"][version] == "working-tree"
        assert version not in deployment["spec"]["selector"]["matchLabels"]
        assert version not in deployment["spec"]["template"]["metadata"]["labels"]


def test_a_local_environment_has_no_charts() -> None:
    with pytest.raises(ValueError, match="local"):
        rendered(environment_on_cluster("local"))
