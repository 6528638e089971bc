"""The check itself: it lets a good pod pass and refuses everything the standard refuses."""

from typing import Any

import pytest

from tests.charts.restricted import violations

GOOD_CONTAINER = {
    "name": "c",
    "image": "i",
    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
}
GOOD_SECURITY = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


def pod(security: dict[str, Any] | None = None, **changed: Any) -> dict[str, Any]:
    good = {"securityContext": GOOD_SECURITY | (security or {}), "containers": [GOOD_CONTAINER]}
    return good | changed


def container(security: dict[str, Any] | None = None, **changed: Any) -> dict[str, Any]:
    own: Any = GOOD_CONTAINER["securityContext"]
    return GOOD_CONTAINER | {"securityContext": own | (security or {})} | changed


def test_a_good_pod_passes() -> None:
    everything = {kind: {} for kind in ("configMap", "emptyDir", "secret", "projected")}
    volumes = [{"name": kind, kind: source} for kind, source in everything.items()]
    assert violations(pod(volumes=volumes)) == []
    assert violations(pod({"seccompProfile": {"type": "Localhost"}})) == []
    assert violations(pod({"seLinuxOptions": {"type": "container_t", "level": "s0:c1"}})) == []
    bind = {"capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}}
    assert violations(pod(containers=[container(bind)])) == []


def test_an_ordinary_pod_is_refused() -> None:
    assert set(violations({"containers": [{"name": "c"}]})) == {
        "c: allowPrivilegeEscalation",
        "c: capabilities",
        "c: runAsNonRoot",
        "c: seccompProfile",
    }


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"hostNetwork": True}, "hostNetwork"),
        ({"hostPID": True}, "hostPID"),
        ({"hostIPC": True}, "hostIPC"),
        ({"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}, "volume hostPath"),
        ({"volumes": [{"name": "v", "nfs": {"server": "s", "path": "/"}}]}, "volume nfs"),
    ],
)
def test_a_pod_that_reaches_its_node_is_refused(change: dict[str, Any], rule: str) -> None:
    assert violations(pod(**change)) == [rule]


BOTH = [
    ({"windowsOptions": {"hostProcess": True}}, "hostProcess"),
    ({"seLinuxOptions": {"type": "spc_t"}}, "seLinuxOptions"),
    ({"seLinuxOptions": {"user": "system_u"}}, "seLinuxOptions"),
    ({"seLinuxOptions": {"role": "sysadm_r"}}, "seLinuxOptions"),
    ({"appArmorProfile": {"type": "Unconfined"}}, "appArmorProfile"),
    ({"seccompProfile": {"type": "Unconfined"}}, "seccompProfile"),
    ({"runAsUser": 0}, "runAsUser"),
]


@pytest.mark.parametrize(("security", "rule"), BOTH)
def test_a_pods_security_context_is_checked(security: dict[str, Any], rule: str) -> None:
    assert violations(pod(security)) == [rule]


@pytest.mark.parametrize(
    ("security", "rule"),
    [
        *BOTH,
        ({"privileged": True}, "privileged"),
        ({"allowPrivilegeEscalation": True}, "allowPrivilegeEscalation"),
        ({"capabilities": {"drop": ["NET_RAW"]}}, "capabilities"),
        ({"capabilities": {"drop": ["ALL"], "add": ["SYS_ADMIN"]}}, "capabilities"),
        ({"runAsNonRoot": False}, "runAsNonRoot"),
        ({"procMount": "Unmasked"}, "procMount"),
    ],
)
@pytest.mark.parametrize("where", ["containers", "initContainers", "ephemeralContainers"])
def test_every_kind_of_container_is_checked(
    where: str, security: dict[str, Any], rule: str
) -> None:
    assert violations(pod(**{where: [container(security)]})) == [f"c: {rule}"]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"ports": [{"containerPort": 80, "hostPort": 80}]}, "hostPort"),
        ({"livenessProbe": {"httpGet": {"host": "169.254.169.254", "port": 80}}}, "probe host"),
        ({"lifecycle": {"preStop": {"tcpSocket": {"host": "h", "port": 1}}}}, "probe host"),
    ],
)
def test_a_container_that_uses_its_nodes_network_is_refused(
    change: dict[str, Any], rule: str
) -> None:
    assert violations(pod(containers=[container(**change)])) == [f"c: {rule}"]


def test_pod_wide_settings_that_weaken_it_are_refused() -> None:
    assert violations(pod({"sysctls": [{"name": "kernel.msgmax", "value": "1"}]})) == [
        "sysctl kernel.msgmax"
    ]
    assert "c: runAsNonRoot" in violations(pod({"runAsNonRoot": False}))
    unconfined = {"container.apparmor.security.beta.kubernetes.io/c": "unconfined"}
    assert violations(pod(), unconfined) == ["appArmorProfile"]


def test_what_a_container_says_itself_counts_without_its_pod() -> None:
    good = container(GOOD_SECURITY)
    assert violations({"containers": [good]}) == []
