"""Security contexts: what Pod Security `restricted` demands, and a read-only root.

https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
"""

from cdk8s_plus_33 import k8s

from charts.values import quantity

TMP = "tmp"


def pod_security(user: int) -> k8s.PodSecurityContext:
    """For a pod whose containers all run as `user`. OnRootMismatch leaves files' modes alone."""
    return k8s.PodSecurityContext(
        run_as_non_root=True,
        run_as_user=user,
        run_as_group=user,
        fs_group=user,
        fs_group_change_policy="OnRootMismatch",
        seccomp_profile=k8s.SeccompProfile(type="RuntimeDefault"),
    )


def container_security() -> k8s.SecurityContext:
    """For every container, init containers too: it is not inherited from the pod."""
    return k8s.SecurityContext(
        allow_privilege_escalation=False,
        capabilities=k8s.Capabilities(drop=["ALL"]),
        read_only_root_filesystem=True,
    )


def tmp_volume(size: str = "256Mi") -> k8s.Volume:
    """The one writable folder under a read-only root. A pod that writes more is evicted."""
    return k8s.Volume(name=TMP, empty_dir=k8s.EmptyDirVolumeSource(size_limit=quantity(size)))


def tmp_mount() -> k8s.VolumeMount:
    return k8s.VolumeMount(name=TMP, mount_path="/tmp")  # noqa: S108 - the pod's own
