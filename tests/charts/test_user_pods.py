"""Users' pods: what KubeSpawner makes of our configuration, in every environment."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slipway.model import Environment
from slipway.model.nodes import EksNodePool, KubernetesNodePool, Toleration
from slipway.model.storage import ExistingHomes, KubernetesStorage, PerUserHomes, SharedHomes
from tests.charts.conftest import Object, environment_on_cluster, one
from tests.charts.restricted import violations
from tests.charts.user_pods import manifests, user_pod
from tests.charts.variants import with_image
from tests.unit.test_kubernetes_names import COLLIDING


def mount(pod: dict[str, Any], path: str) -> dict[str, Any]:
    (found,) = [m for m in pod["spec"]["containers"][0]["volumeMounts"] if m["mountPath"] == path]
    return dict(found)


def volume(pod: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [v for v in pod["spec"]["volumes"] if v["name"] == name]
    return dict(found)


def with_homes(homes: Any) -> Environment:
    return environment_on_cluster("kube", storage=KubernetesStorage(homes=homes))


def with_profile(environment: Environment, /, **changes: Any) -> Environment:
    profiles = dict(environment.catalog.profiles)
    profiles["vscode"] = profiles["vscode"].model_copy(update=changes)
    catalog = environment.catalog.model_copy(update={"profiles": profiles})
    return replace(environment, catalog=catalog)


@pytest.mark.parametrize("user", ["ada", "ada-", "ada.lovelace@example.org", "0"])
def test_a_user_mounts_their_own_home_and_nothing_else_of_it(
    environment: Environment, tmp_path: Path, user: str
):
    pod = user_pod(environment, "vscode", tmp_path, user)
    assert mount(pod, "/home/jovyan")["subPath"] == user
    home = [m for m in pod["spec"]["containers"][0]["volumeMounts"] if m["name"] == "home"]
    assert len(home) == 1
    assert not pod["spec"].get("initContainers")


@pytest.mark.parametrize("home", ["/home/jovyan", "/config"])
def test_home_is_where_the_image_has_it(tmp_path: Path, home: str):
    """Said explicitly: a user without an entry in /etc/passwd would have the home /."""
    environment = with_image(environment_on_cluster("kube"), home=home)
    pod = user_pod(environment, "vscode", tmp_path)
    assert mount(pod, home)["name"] == "home"
    assert {"name": "HOME", "value": home} in pod["spec"]["containers"][0]["env"]
    assert pod["spec"]["containers"][0]["workingDir"] == home


def test_no_two_users_share_a_pod_a_claim_or_a_label(tmp_path: Path):
    users = ["ada", "ada-", "ada.", "ada@x", "ada-x", "a-da", *COLLIDING]
    made = [
        manifests(with_homes(PerUserHomes(kind="per-user")), "vscode", tmp_path, u) for u in users
    ]
    assert len({pod["metadata"]["name"] for pod, _ in made}) == len(users)
    assert len({claim["metadata"]["name"] for _, claim in made}) == len(users)
    for objects in zip(*made, strict=True):
        labels = {found["metadata"]["labels"]["hub.jupyter.org/username"] for found in objects}
        assert len(labels) == len(users)


def test_homes_per_user_are_a_claim_each(tmp_path: Path):
    homes = PerUserHomes(kind="per-user", storage_class="fast", size="20Gi")
    pod, claim = manifests(with_homes(homes), "vscode", tmp_path)
    assert claim["metadata"]["name"] == "home-ada"
    assert claim["spec"]["storageClassName"] == "fast"
    assert claim["spec"]["resources"]["requests"]["storage"] == "20Gi"
    assert volume(pod, "home")["persistentVolumeClaim"]["claimName"] == "home-ada"
    assert "subPath" not in mount(pod, "/home/jovyan")


def test_homes_that_only_one_node_can_mount_keep_servers_on_the_hubs_node(tmp_path: Path):
    pod = user_pod(with_homes(SharedHomes()), "vscode", tmp_path)
    (term,) = pod["spec"]["affinity"]["podAffinity"][
        "requiredDuringSchedulingIgnoredDuringExecution"
    ]
    assert term["topologyKey"] == "kubernetes.io/hostname"
    assert term["labelSelector"]["matchLabels"] == {"app.kubernetes.io/component": "hub"}
    anywhere = SharedHomes(access_mode="ReadWriteMany")
    assert "affinity" not in user_pod(with_homes(anywhere), "vscode", tmp_path)["spec"]


def test_all_servers_of_a_user_run_where_their_own_volume_is(tmp_path: Path):
    pod = user_pod(with_homes(PerUserHomes(kind="per-user")), "vscode", tmp_path)
    required = pod["spec"]["affinity"]["podAffinity"]
    (term,) = required["requiredDuringSchedulingIgnoredDuringExecution"]
    selected = term["labelSelector"]["matchLabels"]
    assert selected == {"hub.jupyter.org/username": "ada"}
    assert selected.items() <= pod["metadata"]["labels"].items()


def test_a_profiles_variables_reach_the_server_as_they_are_written(tmp_path: Path):
    written = {"CONFIG": '{"a": 1}', "WHERE": "{namespace}"}
    environment = with_profile(environment_on_cluster("kube"), environment=written)
    (container,) = user_pod(environment, "vscode", tmp_path)["spec"]["containers"]
    assert {v["name"]: v["value"] for v in container["env"]}.items() >= written.items()


def test_homes_that_exist_already_are_used(tmp_path: Path):
    homes = ExistingHomes(kind="existing", claim="nfs-homes")
    pod = user_pod(with_homes(homes), "vscode", tmp_path)
    assert volume(pod, "home")["persistentVolumeClaim"]["claimName"] == "nfs-homes"


def test_a_profile_decides_resources_nodes_and_shared_memory(tmp_path: Path):
    gpu_nodes = KubernetesNodePool(
        selector={"purpose": "gpu"}, tolerations=(Toleration(key="nvidia.com/gpu"),), gpus=1
    )
    environment = environment_on_cluster(
        "kube", nodes={"users": KubernetesNodePool(), "gpu": gpu_nodes}
    )
    resources = environment.catalog.profiles["vscode"].resources.model_copy(
        update={"gpu": 1, "shared_memory": "8Gi"}
    )
    pod = user_pod(with_profile(environment, nodes="gpu", resources=resources), "vscode", tmp_path)
    (container,) = pod["spec"]["containers"]
    assert container["resources"] == {
        "requests": {"cpu": 0.25, "memory": 1 << 30},
        "limits": {"cpu": 2, "memory": 4 << 30, "nvidia.com/gpu": "1"},
    }
    assert pod["spec"]["nodeSelector"] == {"purpose": "gpu"}
    assert pod["spec"]["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists"}]
    assert volume(pod, "shared-memory")["emptyDir"] == {
        "medium": "Memory",
        "sizeLimit": str(8 << 30),
    }
    assert mount(pod, "/dev/shm")["name"] == "shared-memory"


def test_on_eks_a_server_runs_on_its_pools_nodes_which_are_filled_one_by_one(tmp_path: Path):
    nodes = {"users": EksNodePool(), "gpu": EksNodePool(gpus=1)}
    environment = with_profile(environment_on_cluster("dev", nodes=nodes), nodes="gpu")
    spec = user_pod(environment, "vscode", tmp_path)["spec"]
    assert spec["nodeSelector"] == {"karpenter.sh/nodepool": "gpu"}
    assert spec["tolerations"] == [
        {
            "key": "hub.jupyter.org/dedicated",
            "operator": "Equal",
            "value": "user",
            "effect": "NoSchedule",
        }
    ]
    (term,) = spec["affinity"]["podAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    selected = term["podAffinityTerm"]["labelSelector"]["matchLabels"]
    assert selected == {"app.kubernetes.io/component": "singleuser-server"}


def test_nothing_moves_a_running_server_and_editors_get_time_to_save(
    environment: Environment, tmp_path: Path
):
    pod = user_pod(environment, "vscode", tmp_path)
    assert pod["metadata"]["annotations"]["karpenter.sh/do-not-disrupt"] == "true"
    (container,) = pod["spec"]["containers"]
    assert container["lifecycle"]["preStop"]["exec"]["command"][-1] == "slipway_notebook.pre_stop"
    assert pod["spec"]["terminationGracePeriodSeconds"] == 30


def test_the_command_does_not_depend_on_an_images_entry_point(
    environment: Environment, tmp_path: Path
):
    (container,) = user_pod(environment, "vscode", tmp_path)["spec"]["containers"]
    assert container["command"] == ["/opt/jupyter/bin/python", "-m", "slipway_notebook.start"]
    assert not [a for a in container.get("args") or [] if not a.startswith("--")]


def test_a_users_environment_holds_no_secret_but_the_servers_own_token(
    environment: Environment, tmp_path: Path
):
    (container,) = user_pod(environment, "vscode", tmp_path)["spec"]["containers"]
    names = {variable["name"] for variable in container["env"]}
    assert not {n for n in names if "SECRET" in n or "PASSWORD" in n}
    assert all("valueFrom" not in variable for variable in container["env"])


def test_the_root_is_read_only_unless_the_image_cannot_live_with_it(tmp_path: Path):
    environment = environment_on_cluster("kube")
    writable = with_image(environment, read_only_root=False)
    for given, read_only in ((environment, True), (writable, False)):
        (container,) = user_pod(given, "vscode", tmp_path)["spec"]["containers"]
        assert container["securityContext"]["readOnlyRootFilesystem"] is read_only


def test_what_no_setting_foresees_can_be_configured_and_wins(tmp_path: Path):
    more = {"name": "data", "emptyDir": {}}
    extra = {
        "KubeSpawner": {
            "delete_grace_period": 99,
            "extra_labels": {"team": "data"},
            "environment": {"TEAM": "data"},
            "volumes": [more],
            "node_selector": {"disk": "fast"},
        }
    }
    environment = environment_on_cluster("kube", extra_config=extra, image_pull_secret="pull")
    pod = user_pod(environment, "vscode", tmp_path)
    assert pod["metadata"]["labels"]["team"] == "data"
    # Also over what a profile sets.
    assert {"name": "TEAM", "value": "data"} in pod["spec"]["containers"][0]["env"]
    assert volume(pod, "data") == more
    assert volume(pod, "home")
    assert pod["spec"]["nodeSelector"] == {"disk": "fast"}
    # Whatever is configured, network policies find it.
    assert pod["metadata"]["labels"]["app.kubernetes.io/component"] == "singleuser-server"
    assert pod["spec"]["imagePullSecrets"] == [{"name": "pull"}]


@pytest.mark.parametrize("profile", ["vscode", "rstudio"])
def test_users_pods_pass_restricted_pod_security(
    environment: Environment, profile: str, tmp_path: Path
) -> None:
    assert violations(user_pod(environment, profile, tmp_path)["spec"]) == []


def test_users_pods_hold_no_token_for_the_kubernetes_api(
    environment: Environment, tmp_path: Path
) -> None:
    user = user_pod(environment, "vscode", tmp_path)["spec"]
    assert user["automountServiceAccountToken"] is False


@pytest.mark.parametrize("profile", ["vscode", "rstudio"])
def test_the_users_network_policy_means_every_users_pod(
    environment: Environment, objects: list[Object], profile: str, tmp_path: Path
) -> None:
    labels = user_pod(environment, profile, tmp_path)["metadata"]["labels"]
    policy = one(objects, "NetworkPolicy", "singleuser-server")["spec"]
    assert policy["podSelector"]["matchLabels"].items() <= labels.items()


def test_users_homes_are_on_the_claim_of_the_platform(
    environment: Environment, objects: list[Object], tmp_path: Path
) -> None:
    user = user_pod(environment, "vscode", tmp_path)["spec"]
    claims = [
        v["persistentVolumeClaim"]["claimName"]
        for v in user["volumes"]
        if "persistentVolumeClaim" in v
    ]
    assert claims
    for claim in claims:
        one(objects, "PersistentVolumeClaim", claim)
