"""The hub gets the model's settings; a change of them restarts the hub and nothing else."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from slipway_hub.settings import VARIABLE, HubSettings

import slipway.toolchain.node
from slipway.model import Environment
from slipway.model.culling import Culling
from slipway.settings.hub import kubernetes_settings
from tests.charts.conftest import (
    Object,
    environment_on_cluster,
    of_kind,
    one,
    rendered,
    template,
)
from tests.charts.variants import released


def file_of(objects: list[Object], path: str) -> str:
    """The content of a file that the hub's container sees."""
    pod = template(objects, "hub")["spec"]
    folder = str(PurePosixPath(path).parent)
    (mount,) = (m for m in pod["containers"][0]["volumeMounts"] if m["mountPath"] == folder)
    (volume,) = (v for v in pod["volumes"] if v["name"] == mount["name"])
    data = one(objects, "ConfigMap", volume["configMap"]["name"])["data"]
    content: str = data[PurePosixPath(path).name]
    return content


def test_the_hub_reads_exactly_the_models_settings(
    variant_environment: Environment, variant_objects: list[Object]
) -> None:
    env = template(variant_objects, "hub")["spec"]["containers"][0]["env"]
    (path,) = (variable["value"] for variable in env if variable["name"] == VARIABLE)
    read = HubSettings.model_validate_json(file_of(variant_objects, path))
    assert read == kubernetes_settings(variant_environment)


def test_the_hub_finds_its_database_and_secrets_where_its_settings_say(
    variant_environment: Environment, variant_objects: list[Object]
) -> None:
    settings = kubernetes_settings(variant_environment)
    pod = template(variant_objects, "hub")["spec"]
    volumes = {v["name"]: v for v in pod["volumes"]}
    mounts = {m["mountPath"]: volumes[m["name"]] for m in pod["containers"][0]["volumeMounts"]}
    assert "persistentVolumeClaim" in mounts[settings.state]
    assert {"secret", "emptyDir"} & set(mounts[settings.secrets])


def other_catalog(environment: Environment) -> Environment:
    profiles = dict(environment.catalog.profiles)
    profiles.pop("rstudio")
    changed = environment.catalog.model_copy(update={"profiles": profiles, "routes": {}})
    return replace(environment, catalog=changed)


def other_culling(environment: Environment) -> Environment:
    spec = environment.spec.model_copy(update={"culling": Culling(idle="2h")})
    return replace(environment, spec=spec)


def unchanged(environment: Environment) -> Environment:
    return environment


HUB_ONLY: dict[str, tuple[Callable[[Environment], Environment], dict[str, str]]] = {
    "catalog": (other_catalog, {}),
    "settings": (other_culling, {}),
    "hub image": (unchanged, {"hub": "2"}),
    "user image": (unchanged, {"code-server": "2"}),
}


@pytest.mark.parametrize("name", ["kube", "dev"])
@pytest.mark.parametrize("change", HUB_ONLY)
def test_what_concerns_the_hub_restarts_the_hub_but_never_the_proxy(name: str, change: str) -> None:
    apply, digests = HUB_ONLY[change]
    environment = environment_on_cluster(name)
    before = rendered(released(environment))
    after = rendered(released(apply(environment), **digests))
    assert template(before, "hub") != template(after, "hub")
    assert template(before, "proxy") == template(after, "proxy")


@pytest.mark.parametrize("name", ["kube", "dev"])
def test_a_new_proxy_image_leaves_the_hub_alone(name: str) -> None:
    environment = environment_on_cluster(name)
    before, after = rendered(released(environment)), rendered(released(environment, proxy="2"))
    assert template(before, "proxy") != template(after, "proxy")
    assert template(before, "hub") == template(after, "hub")


def test_the_same_environment_renders_the_same_twice() -> None:
    first, second = (rendered(environment_on_cluster("dev")) for _ in range(2))
    assert json.dumps(first) == json.dumps(second)


def test_rendering_does_not_wait_for_jupyterhub() -> None:
    code = "import sys, charts.rendering; print('jupyterhub' in sys.modules)"
    node = os.environ | {"JSII_NODE": str(slipway.toolchain.node.node())}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=node
    )
    assert done.stdout.strip() == "False"


def test_there_is_no_secret_among_the_objects(variant_objects: list[Object]) -> None:
    assert not of_kind(variant_objects, "Secret")


def test_secrets_reach_containers_as_files_only(variant_objects: list[Object]) -> None:
    assert "valueFrom" not in json.dumps(variant_objects)


def test_charts_know_neither_stacks_nor_aws_cdk() -> None:
    charts = Path(__file__).parents[2] / "charts"
    sources = {path: path.read_text() for path in charts.rglob("*.py")}
    assert len(sources) > 5
    for path, source in sources.items():
        assert "aws_cdk" not in source, path
        assert "import stacks" not in source, path
        assert "from stacks" not in source, path
