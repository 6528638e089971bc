"""The chart's own pods: hub, proxy, image pullers and placeholders."""

from typing import Any

import pytest

from slipway.model import Environment
from slipway.settings.hub import kubernetes_settings
from tests.charts.conftest import (
    Object,
    objects_of,
    of_kind,
    one,
    template,
    templates,
    variant_named,
)
from tests.charts.restricted import containers, violations

SERVING = ("hub", "proxy")


def pod(objects: list[Object], name: str, kind: str = "Deployment") -> dict[str, Any]:
    spec: dict[str, Any] = template(objects, name, kind)["spec"]
    return spec


def variables(container: Any) -> dict[str, str]:
    return {variable["name"]: variable["value"] for variable in container.get("env", [])}


def mounted(spec: dict[str, Any], path: str, container: int = 0) -> dict[str, Any]:
    """The volume that a container sees at a path."""
    volumes = {v["name"]: v for v in spec["volumes"]}
    mounts = {m["mountPath"]: m["name"] for m in spec["containers"][container]["volumeMounts"]}
    found: dict[str, Any] = volumes[mounts[path]]
    return found


def test_every_pod_passes_restricted_pod_security(variant_objects: list[Object]) -> None:
    found = {name: violations(t["spec"]) for name, t in templates(variant_objects).items()}
    assert {"hub", "proxy", "image-puller-users"} <= set(found)
    assert not any(found.values()), found


def test_containers_write_nowhere_but_in_their_volumes(variant_objects: list[Object]) -> None:
    for each in templates(variant_objects).values():
        for container in containers(each["spec"]):
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
    for name in SERVING:
        for container in containers(pod(variant_objects, name)):
            assert "/tmp" in {mount["mountPath"] for mount in container["volumeMounts"]}


def test_every_container_says_what_it_needs(variant_objects: list[Object]) -> None:
    for each in templates(variant_objects).values():
        for container in containers(each["spec"]):
            assert {"cpu", "memory"} <= set(container["resources"]["requests"])
            assert "memory" in container["resources"]["limits"]


def test_hub_and_proxy_say_how_to_tell_that_they_work(variant_objects: list[Object]) -> None:
    for name in SERVING:
        (container,) = pod(variant_objects, name)["containers"]
        ports = {port["containerPort"] for port in container["ports"]}
        for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert container[kind]["httpGet"]["port"] in ports
        # Users wait for it after a restart.
        assert container["startupProbe"]["periodSeconds"] == 1
        assert container["readinessProbe"]["periodSeconds"] == 1


def test_a_hub_that_waits_for_its_proxy_is_left_alone_for_ten_minutes() -> None:
    (container,) = pod(objects_of("kube"), "hub")["containers"]
    probe = container["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] >= 600
    assert container["readinessProbe"]["httpGet"]["path"] == "/hub/slipway-ready"
    assert container["livenessProbe"]["httpGet"]["path"] == "/hub/health"


def test_only_the_hub_holds_a_token_for_the_kubernetes_api(variant_objects: list[Object]) -> None:
    holders = [
        name
        for name, each in templates(variant_objects).items()
        if each["spec"]["automountServiceAccountToken"] is not False
    ]
    assert holders == ["hub"]
    accounts = {pod(variant_objects, name)["serviceAccountName"] for name in SERVING}
    assert accounts == {"hub", "proxy"}


@pytest.mark.parametrize("variant", ["kube", "kube-per-user", "dev"])
def test_the_hub_may_do_what_it_does_and_no_more(variant: str) -> None:
    objects = objects_of(variant)
    rules = one(objects, "Role", "hub")["rules"]
    granted = {(r, tuple(sorted(rule["verbs"]))) for rule in rules for r in rule["resources"]}
    assert all(rule["apiGroups"] == [""] for rule in rules)
    claims = {("persistentvolumeclaims", ("create", "get"))} if variant == "kube-per-user" else {}
    assert granted == {
        ("pods", ("create", "delete", "get", "list", "watch")),
        ("pods/log", ("get",)),
        ("events", ("get", "list", "watch")),
        *claims,
    }
    binding = one(objects, "RoleBinding", "hub")
    assert binding["roleRef"]["name"] == "hub"
    assert [s["name"] for s in binding["subjects"]] == [pod(objects, "hub")["serviceAccountName"]]


def test_everything_that_pods_refer_to_exists(
    variant_environment: Environment, variant_objects: list[Object]
) -> None:
    made_by_others = {"hub-secrets", "nfs-homes"}
    for each in templates(variant_objects).values():
        spec = each["spec"]
        one(variant_objects, "PriorityClass", spec["priorityClassName"])
        if "serviceAccountName" in spec:
            one(variant_objects, "ServiceAccount", spec["serviceAccountName"])
        for kind, name in sources(spec):
            if name not in made_by_others:
                one(variant_objects, kind, name)
        names = {volume["name"] for volume in spec.get("volumes", [])}
        for container in containers(spec):
            assert {m["name"] for m in container.get("volumeMounts", [])} <= names


def sources(spec: dict[str, Any]) -> list[tuple[str, str]]:
    found = []
    for volume in spec.get("volumes", []):
        if "configMap" in volume:
            found.append(("ConfigMap", volume["configMap"]["name"]))
        if "persistentVolumeClaim" in volume:
            claim = volume["persistentVolumeClaim"]["claimName"]
            found.append(("PersistentVolumeClaim", claim))
        if "secret" in volume:
            found.append(("Secret", volume["secret"]["secretName"]))
    return found


def test_every_image_is_the_one_the_environment_names(
    variant_environment: Environment, variant_objects: list[Object]
) -> None:
    for name in SERVING:
        images = {c["image"] for c in containers(pod(variant_objects, name))}
        assert images == {variant_environment.image_reference(name)}


@pytest.mark.parametrize(
    ("variant", "snapshots"),
    [
        ("kube", "/srv/homes/.slipway/hub-database"),
        ("kube-existing", "/srv/homes/.slipway/hub-database"),
        ("kube-per-user", "/srv/jupyterhub/snapshots"),
        ("dev", "s3://SNAPSHOTS-BUCKET/hub-database"),
    ],
)
def test_the_hub_and_what_prepares_its_database_agree_where_snapshots_are(
    variant: str, snapshots: str
) -> None:
    spec = pod(objects_of(variant), "hub")
    database = spec["initContainers"][-1]
    (hub,) = spec["containers"]
    assert database["args"] == ["slipway-hub", "database"]
    assert hub["args"] == ["slipway-hub", "run"]
    assert variables(hub)["SLIPWAY_SNAPSHOTS"] == snapshots
    assert variables(database) == variables(hub)
    assert database["volumeMounts"] == hub["volumeMounts"]


@pytest.mark.parametrize(
    ("variant", "claim"),
    [("kube", "homes"), ("kube-existing", "nfs-homes"), ("dev", "homes"), ("kube-per-user", None)],
)
def test_the_hub_sees_all_homes_where_it_makes_users_folders(
    variant: str, claim: str | None
) -> None:
    settings: Any = kubernetes_settings(variant_named(variant)).spawning
    spec = pod(objects_of(variant), "hub")
    if claim is None:
        assert settings.homes.kind == "per-user"
        assert "homes" not in {volume["name"] for volume in spec["volumes"]}
    else:
        assert settings.homes.claim == claim
        volume = mounted(spec, settings.homes.folder)
        assert volume["persistentVolumeClaim"]["claimName"] == claim


@pytest.mark.parametrize("variant", ["kube", "kube-shared-many", "dev"])
def test_the_hub_returns_to_users_servers_where_homes_are_on_one_node(variant: str) -> None:
    settings: Any = kubernetes_settings(variant_named(variant)).spawning
    assert ("affinity" in pod(objects_of(variant), "hub")) is settings.homes.one_node


def test_on_eks_secrets_come_from_aws_into_memory() -> None:
    for name, program in (("hub", ["slipway-hub", "secrets"]), ("proxy", ["secrets"])):
        spec = pod(objects_of("dev"), name)
        fetch = spec["initContainers"][0]
        assert fetch["args"][: len(program)] == program
        assert variables(fetch) == {
            "SLIPWAY_SECRETS": "/run/secrets/slipway",
            "AWS_REGION": "eu-central-1",
        }
        assert mounted(spec, "/run/secrets/slipway")["emptyDir"]["medium"] == "Memory"
        assert not [kind for kind, _ in sources(spec) if kind == "Secret"]


def test_the_proxy_gets_its_own_secret_and_no_other() -> None:
    (fetch,) = pod(objects_of("dev"), "proxy")["initContainers"]
    assert fetch["args"] == ["secrets", "proxy_auth_token=slipway/dev/proxy_auth_token"]
    volume = mounted(pod(objects_of("kube"), "proxy"), "/run/secrets/slipway")
    assert [item["key"] for item in volume["secret"]["items"]] == ["proxy_auth_token"]
    assert "initContainers" not in pod(objects_of("kube"), "proxy")


@pytest.mark.parametrize("name", SERVING)
def test_a_node_with_the_only_hub_or_proxy_can_be_drained(name: str) -> None:
    budget = one(objects_of("kube"), "PodDisruptionBudget", name)["spec"]
    assert budget["maxUnavailable"] == 1
    labels = template(objects_of("kube"), name)["metadata"]["labels"]
    assert budget["selector"]["matchLabels"].items() <= labels.items()


def test_hub_and_proxy_run_on_the_hubs_nodes_on_eks_and_anywhere_else() -> None:
    for name in SERVING:
        on_eks = pod(objects_of("dev"), name)["nodeSelector"]
        assert on_eks == {"karpenter.sh/nodepool": "core"}
        assert "nodeSelector" not in pod(objects_of("kube"), name)


def test_every_image_of_every_profile_is_pulled_to_the_nodes_it_runs_on(
    variant_environment: Environment, variant_objects: list[Object]
) -> None:
    spec = variant_environment.cluster_spec
    for profile in variant_environment.catalog.profiles.values():
        puller = pod(variant_objects, f"image-puller-{profile.nodes}", "DaemonSet")
        image = variant_environment.image_reference(profile.image)
        assert [c["image"] for c in puller["containers"]].count(image) == 1
        nodes = spec.nodes[profile.nodes]
        assert puller.get("nodeSelector", {}) == nodes.node_selector(profile.nodes)
        for toleration in nodes.pod_tolerations():
            assert toleration in puller["tolerations"]


def test_pullers_hold_up_neither_each_other_nor_a_rollout(variant_objects: list[Object]) -> None:
    for puller in of_kind(variant_objects, "DaemonSet"):
        spec = puller["spec"]
        assert spec["updateStrategy"]["rollingUpdate"] == {"maxUnavailable": "100%"}
        assert "initContainers" not in spec["template"]["spec"]
        assert spec["template"]["spec"]["terminationGracePeriodSeconds"] == 0


def test_there_are_no_placeholders_unless_asked_for() -> None:
    assert {o["metadata"]["name"] for o in of_kind(objects_of("kube"), "Deployment")} == {
        "hub",
        "proxy",
    }


@pytest.mark.parametrize("variant", ["kube-nodes", "prod-gpu-spot"])
def test_a_placeholder_holds_a_servers_place_and_gives_way(variant: str) -> None:
    objects, spec = objects_of(variant), variant_named(variant).cluster_spec
    for name, pool in spec.nodes.items():
        deployment = one(objects, "Deployment", f"user-placeholder-{name}")["spec"]
        assert deployment["replicas"] == pool.placeholders
        place = deployment["template"]["spec"]
        assert place["nodeSelector"] == pool.node_selector(name)
        assert place["priorityClassName"] == "slipway-placeholder"
        assert place["terminationGracePeriodSeconds"] == 0
        wanted = {
            "users": {"cpu": "0.25", "memory": "1Gi"},
            "gpu": {"memory": "1Gi", "nvidia.com/gpu": "1"},
        }[name]
        assert (
            place["containers"][0]["resources"]["requests"] | wanted
            == place["containers"][0]["resources"]["requests"]
        )


@pytest.mark.parametrize("kind", ["Deployment", "DaemonSet"])
def test_workloads_select_their_own_pods_and_no_others(kind: str) -> None:
    for variant in ("kube-nodes", "prod-gpu-spot"):
        labels = {n: t["metadata"]["labels"] for n, t in templates(objects_of(variant)).items()}
        for workload in of_kind(objects_of(variant), kind):
            selector = workload["spec"]["selector"]["matchLabels"]
            found = [name for name, has in labels.items() if selector.items() <= has.items()]
            assert found == [workload["metadata"]["name"]]


def test_a_registrys_password_is_used_by_every_pod() -> None:
    for each in templates(objects_of("kube-watched")).values():
        assert each["spec"]["imagePullSecrets"] == [{"name": "registry-password"}]
