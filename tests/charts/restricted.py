"""Pod Security `restricted`, rule by rule, without an API server.

https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from collections.abc import Iterator, Mapping
from typing import Any

Spec = Mapping[str, Any]

VOLUMES = {
    *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral"),
    *("persistentVolumeClaim", "projected", "secret"),
}
SYSCTLS = {
    *("kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range"),
    *("net.ipv4.ip_local_reserved_ports", "net.ipv4.ip_unprivileged_port_start"),
    *("net.ipv4.ping_group_range", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl"),
    *("net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_rmem"),
    *("net.ipv4.tcp_syncookies", "net.ipv4.tcp_wmem"),
}
SELINUX_TYPES = {
    *(None, "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"),
}
APPARMOR = {None, "RuntimeDefault", "Localhost"}
APPARMOR_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/"
SECCOMP = {"RuntimeDefault", "Localhost"}


def violations(pod: Spec, annotations: Mapping[str, str] | None = None) -> list[str]:
    """What `restricted` refuses in a pod's spec, as `[container: ]rule`. Empty: nothing."""
    found = [*_of_pod(pod), *_of_annotations(annotations or {})]
    for container in containers(pod):
        found += [f"{container['name']}: {rule}" for rule in _of_container(container, pod)]
    return found


def containers(pod: Spec) -> list[Spec]:
    """All that run in a pod, ephemeral ones too."""
    lists = ("initContainers", "containers", "ephemeralContainers")
    return [container for key in lists for container in pod.get(key) or ()]


def _of_pod(pod: Spec) -> Iterator[str]:
    yield from (key for key in ("hostNetwork", "hostPID", "hostIPC") if pod.get(key))
    for volume in pod.get("volumes") or ():
        yield from (f"volume {kind}" for kind in sorted(set(volume) - {"name"} - VOLUMES))
    security = pod.get("securityContext") or {}
    for sysctl in security.get("sysctls") or ():
        if sysctl["name"] not in SYSCTLS:
            yield f"sysctl {sysctl['name']}"
    yield from _of_both(security)
    if security.get("runAsNonRoot") is False:
        yield "runAsNonRoot"


def _of_annotations(annotations: Mapping[str, str]) -> Iterator[str]:
    for key, value in annotations.items():
        safe = value in ("", "runtime/default") or value.startswith("localhost/")
        if key.startswith(APPARMOR_ANNOTATION) and not safe:
            yield "appArmorProfile"


def _of_both(security: Spec) -> Iterator[str]:
    """What pods and containers may say alike."""
    if (security.get("windowsOptions") or {}).get("hostProcess"):
        yield "hostProcess"
    selinux = security.get("seLinuxOptions") or {}
    if selinux.get("type") not in SELINUX_TYPES or selinux.get("user") or selinux.get("role"):
        yield "seLinuxOptions"
    if (security.get("appArmorProfile") or {}).get("type") not in APPARMOR:
        yield "appArmorProfile"
    if (security.get("seccompProfile") or {}).get("type", "RuntimeDefault") not in SECCOMP:
        yield "seccompProfile"
    if security.get("runAsUser") == 0:
        yield "runAsUser"


def _of_container(container: Spec, pod: Spec) -> Iterator[str]:
    own = container.get("securityContext") or {}
    inherited = {**(pod.get("securityContext") or {}), **own}
    capabilities = own.get("capabilities") or {}
    yield from _of_both(own)
    broken = {
        "privileged": own.get("privileged"),
        "allowPrivilegeEscalation": own.get("allowPrivilegeEscalation") is not False,
        "capabilities": "ALL" not in capabilities.get("drop", ())
        or set(capabilities.get("add", ())) - {"NET_BIND_SERVICE"},
        "runAsNonRoot": inherited.get("runAsNonRoot") is not True,
        "seccompProfile": not inherited.get("seccompProfile"),
        "procMount": own.get("procMount", "Default") != "Default",
        "hostPort": any(port.get("hostPort") for port in container.get("ports") or ()),
        "probe host": any(_hosts(container)),
    }
    yield from (rule for rule, is_broken in broken.items() if is_broken)


def _hosts(container: Spec) -> Iterator[str]:
    """Since Kubernetes 1.34: a probe or hook must not be sent elsewhere."""
    probes = [container.get(f"{kind}Probe") for kind in ("startup", "liveness", "readiness")]
    lifecycle = container.get("lifecycle") or {}
    for handler in [*probes, lifecycle.get("postStart"), lifecycle.get("preStop")]:
        for way in ("httpGet", "tcpSocket"):
            yield ((handler or {}).get(way) or {}).get("host", "")
