"""The hub gets the model's settings; a change of them restarts the hub and nothing else."""

import json
from pathlib import Path, PurePosixPath

import pytest
from slipway_hub.settings import VARIABLE, HubSettings

from slipway.hub_settings import kubernetes_settings
from slipway.model import Environment
from slipway.model.environment import Culling
from tests.charts.conftest import Object, environment_on_cluster, of_kind, one, rendered


def template(objects: list[Object], deployment: str) -> Object:
    return one(objects, "Deployment", deployment)["spec"]["template"]


def file_of(objects: list[Object], path: str) -> str:
    """The content of a file that the hub's container sees."""
    pod = template(objects, "hub")["spec"]
    folder = str(PurePosixPath(path).parent)
    (mount,) = (m for m in pod["containers"][0]["volumeMounts"] if m["mountPath"] == folder)
    (volume,) = (v for v in pod["volumes"] if v["name"] == mount["name"])
    data = one(objects, "ConfigMap", volume["configMap"]["name"])["data"]
    return data[PurePosixPath(path).name]


def variables(objects: list[Object], deployment: str) -> dict[str, Object]:
    container = template(objects, deployment)["spec"]["containers"][0]
    return {variable["name"]: variable for variable in container["env"]}


def test_the_hub_reads_exactly_the_models_settings(
    environment: Environment, objects: list[Object]
) -> None:
    path = variables(objects, "hub")[VARIABLE]["value"]
    read = HubSettings.model_validate_json(file_of(objects, path))
    assert read == kubernetes_settings(environment)


def test_the_hub_finds_its_database_and_secrets_where_its_settings_say(
    environment: Environment, objects: list[Object]
) -> None:
    settings = kubernetes_settings(environment)
    pod = template(objects, "hub")["spec"]
    volumes = {v["name"]: v for v in pod["volumes"]}
    mounts = {m["mountPath"]: volumes[m["name"]] for m in pod["containers"][0]["volumeMounts"]}
    assert "persistentVolumeClaim" in mounts[settings.state]
    assert "secret" in mounts[settings.secrets]


def test_hub_and_proxy_share_the_token(objects: list[Object]) -> None:
    token = variables(objects, "proxy")["CONFIGPROXY_AUTH_TOKEN"]
    assert "value" not in token
    reference = token["valueFrom"]["secretKeyRef"]
    volumes = template(objects, "hub")["spec"]["volumes"]
    secrets = [v["secret"]["secretName"] for v in volumes if "secret" in v]
    assert secrets == [reference["name"]]
    # The file slipway_hub reads.
    assert reference["key"] == "proxy_auth_token"


@pytest.mark.parametrize("name", ["kube", "dev"])
def test_a_changed_setting_restarts_the_hub_but_never_the_proxy(name: str) -> None:
    before = rendered(environment_on_cluster(name))
    after = rendered(environment_on_cluster(name, culling=Culling(idle="2h")))
    assert template(before, "hub") != template(after, "hub")
    assert (
        template(before, "hub")["metadata"]["annotations"]
        != template(after, "hub")["metadata"]["annotations"]
    )
    assert template(before, "proxy") == template(after, "proxy")


def test_the_same_environment_renders_the_same_twice() -> None:
    first, second = (rendered(environment_on_cluster("dev")) for _ in range(2))
    assert json.dumps(first) == json.dumps(second)


def test_there_is_no_secret_among_the_objects(objects: list[Object]) -> None:
    assert not of_kind(objects, "Secret")


def test_charts_know_neither_stacks_nor_aws_cdk() -> None:
    charts = Path(__file__).parents[2] / "charts"
    sources = {path: path.read_text() for path in charts.rglob("*.py")}
    assert len(sources) > 5
    for path, source in sources.items():
        assert "aws_cdk" not in source, path
        assert "import stacks" not in source, path
        assert "from stacks" not in source, path
