"""Pod Security `restricted`, and what each pod may read, over every pod there is."""

from pathlib import Path
from typing import Any

import pytest

from slipway.model import Environment
from tests.charts.conftest import Object, of_kind, one
from tests.charts.user_pods import user_pod

ALLOWED_VOLUMES = {
    *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral"),
    *("persistentVolumeClaim", "projected", "secret"),
}


def violations(pod: dict[str, Any]) -> list[str]:
    """What Pod Security `restricted` refuses in a pod's spec.

    https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
    """
    found = [key for key in ("hostNetwork", "hostPID", "hostIPC") if pod.get(key)]
    for volume in pod.get("volumes", []):
        found += [f"volume {kind}" for kind in set(volume) - {"name"} - ALLOWED_VOLUMES]
    whole = pod.get("securityContext", {})
    for container in [*pod["containers"], *pod.get("initContainers", [])]:
        own = container.get("securityContext", {})
        both = {**whole, **own}
        rules = {
            "privileged": not own.get("privileged"),
            "allowPrivilegeEscalation": own.get("allowPrivilegeEscalation") is False,
            "capabilities": own.get("capabilities") == {"drop": ["ALL"]},
            "runAsNonRoot": both.get("runAsNonRoot") is True,
            "runAsUser": both.get("runAsUser") != 0,
            "seccompProfile": both.get("seccompProfile") == {"type": "RuntimeDefault"},
            "hostPort": not any(port.get("hostPort") for port in container.get("ports", [])),
        }
        found += [f"{container['name']}: {rule}" for rule, holds in rules.items() if not holds]
    return found


def deployments(objects: list[Object]) -> list[Object]:
    found = of_kind(objects, "Deployment")
    assert {o["metadata"]["name"] for o in found} == {"hub", "proxy"}
    return found


def pods(objects: list[Object]) -> dict[str, dict[str, Any]]:
    return {o["metadata"]["name"]: o["spec"]["template"]["spec"] for o in deployments(objects)}


def test_the_check_itself_refuses_an_ordinary_pod() -> None:
    found = violations({"hostNetwork": True, "containers": [{"name": "c"}]})
    assert {"hostNetwork", "c: capabilities", "c: runAsNonRoot", "c: seccompProfile"} <= set(found)


def test_the_namespace_enforces_restricted_pod_security(
    environment: Environment, objects: list[Object]
) -> None:
    labels = one(objects, "Namespace", environment.cluster_spec.namespace)["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_hub_and_proxy_pass_restricted_pod_security(objects: list[Object]) -> None:
    assert {name: violations(pod) for name, pod in pods(objects).items()} == {
        "hub": [],
        "proxy": [],
    }


@pytest.mark.parametrize("profile", ["vscode", "rstudio"])
def test_users_pods_pass_restricted_pod_security(
    environment: Environment, profile: str, tmp_path: Path
) -> None:
    assert violations(user_pod(environment, profile, tmp_path)["spec"]) == []


def test_containers_write_nowhere_but_in_their_volumes(objects: list[Object]) -> None:
    for pod in pods(objects).values():
        for container in pod["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert "/tmp" in {mount["mountPath"] for mount in container["volumeMounts"]}


def test_every_container_says_what_it_needs_and_how_to_tell_that_it_works(
    objects: list[Object],
) -> None:
    for pod in pods(objects).values():
        for container in pod["containers"]:
            assert {"cpu", "memory"} <= set(container["resources"]["requests"])
            assert "memory" in container["resources"]["limits"]
            assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container)
            ports = {port["containerPort"] for port in container["ports"]}
            assert container["readinessProbe"]["httpGet"]["port"] in ports


def test_only_the_hub_holds_a_token_for_the_kubernetes_api(
    environment: Environment, objects: list[Object], tmp_path: Path
) -> None:
    both = pods(objects)
    assert both["hub"]["automountServiceAccountToken"] is True
    assert both["proxy"]["automountServiceAccountToken"] is False
    user = user_pod(environment, "vscode", tmp_path)["spec"]
    assert user["automountServiceAccountToken"] is False


def test_the_hub_may_only_run_pods_and_read_events(objects: list[Object]) -> None:
    role = one(objects, "Role", "hub")
    granted = {
        (resource, verb)
        for rule in role["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    run = ("get", "watch", "list", "create", "delete")
    assert granted == {
        *((r, v) for r in ("pods", "persistentvolumeclaims") for v in run),
        *(("events", v) for v in ("get", "watch", "list")),
    }
    binding = one(objects, "RoleBinding", "hub")
    account = pods(objects)["hub"]["serviceAccountName"]
    assert binding["roleRef"]["name"] == "hub"
    assert [s["name"] for s in binding["subjects"]] == [account]
    one(objects, "ServiceAccount", account)


def test_every_image_is_the_one_the_environment_names(
    environment: Environment, objects: list[Object]
) -> None:
    for name, pod in pods(objects).items():
        assert [c["image"] for c in pod["containers"]] == [environment.image_reference(name)]


def test_what_pods_mount_exists(objects: list[Object]) -> None:
    for pod in pods(objects).values():
        for volume in pod["volumes"]:
            if "configMap" in volume:
                one(objects, "ConfigMap", volume["configMap"]["name"])
            if "persistentVolumeClaim" in volume:
                claim = volume["persistentVolumeClaim"]["claimName"]
                one(objects, "PersistentVolumeClaim", claim)


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
        spec = one(objects, "PersistentVolumeClaim", claim)["spec"]
        assert spec["accessModes"] == ["ReadWriteMany"]
