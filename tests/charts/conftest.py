"""Environments on clusters, and the objects that their charts render."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from charts import rendering
from charts.deployed_values import before_deploy
from slipway.model import Environment, load

ROOT = Path(__file__).parents[2]
Object = dict[str, Any]

CLUSTERS = ("kube", "dev", "prod")


def environment_on_cluster(name: str, **spec: Any) -> Environment:
    """A shipped environment with parts of its file changed."""
    environment = load(ROOT).environment(name)
    return replace(environment, spec=environment.spec.model_copy(update=spec))


def rendered(environment: Environment) -> list[Object]:
    charts = rendering.objects(environment, before_deploy(environment))
    return [item for objects in charts.values() for item in objects]


def one(objects: list[Object], kind: str, name: str) -> Object:
    found = [o for o in objects if o["kind"] == kind and o["metadata"]["name"] == name]
    assert len(found) == 1, f"{len(found)} objects {kind} {name}"
    return found[0]


def of_kind(objects: list[Object], kind: str) -> list[Object]:
    return [item for item in objects if item["kind"] == kind]


@pytest.fixture(scope="module", params=CLUSTERS)
def environment(request: pytest.FixtureRequest) -> Environment:
    return environment_on_cluster(request.param)


@pytest.fixture(scope="module")
def objects(environment: Environment) -> list[Object]:
    return rendered(environment)
