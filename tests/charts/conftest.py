"""Environments on clusters, and the objects that their charts render."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from charts import rendering
from charts.aws_values import placeholder_values
from slipway.model import Environment, load
from tests.charts.variants import VARIANTS

ROOT = Path(__file__).parents[2]
Object = dict[str, Any]

CLUSTERS = ("kube", "dev", "prod")


def environment_on_cluster(name: str, **spec: Any) -> Environment:
    """A shipped environment with parts of its file changed."""
    environment = load(ROOT).environment(name)
    return replace(environment, spec=environment.spec.model_copy(update=spec))


def rendered(environment: Environment) -> list[Object]:
    charts = rendering.objects(environment, placeholder_values(environment))
    return [item for objects in charts.values() for item in objects]


def one(objects: list[Object], kind: str, name: str) -> Object:
    found = [o for o in objects if o["kind"] == kind and o["metadata"]["name"] == name]
    assert len(found) == 1, f"{len(found)} objects {kind} {name}"
    return found[0]


def of_kind(objects: list[Object], kind: str) -> list[Object]:
    return [item for item in objects if item["kind"] == kind]


def template(objects: list[Object], name: str, kind: str = "Deployment") -> Object:
    return one(objects, kind, name)["spec"]["template"]


def templates(objects: list[Object]) -> dict[str, Object]:
    """The pod templates of all workloads, by the workload's name."""
    workloads = [*of_kind(objects, "Deployment"), *of_kind(objects, "DaemonSet")]
    return {o["metadata"]["name"]: o["spec"]["template"] for o in workloads}


@cache
def variant_named(name: str) -> Environment:
    base, change = VARIANTS[name]
    return change(load(ROOT).environment(base))


@cache
def _rendered_variant(name: str) -> list[Object]:
    return rendered(variant_named(name))


def objects_of(variant: str) -> list[Object]:
    """Rendered once for all tests, which only read them."""
    return _rendered_variant(variant)


@pytest.fixture(scope="module", params=CLUSTERS)
def environment(request: pytest.FixtureRequest) -> Environment:
    return environment_on_cluster(request.param)


@pytest.fixture(scope="module")
def objects(environment: Environment) -> list[Object]:
    return rendered(environment)


@pytest.fixture(scope="session", params=VARIANTS)
def variant(request: pytest.FixtureRequest) -> str:
    """Every kind of environment, by name."""
    name: str = request.param
    return name


@pytest.fixture
def variant_objects(variant: str) -> list[Object]:
    return objects_of(variant)


@pytest.fixture
def variant_environment(variant: str) -> Environment:
    return variant_named(variant)
