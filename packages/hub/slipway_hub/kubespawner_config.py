"""What a user's pod looks like: KubeSpawner's configuration."""

from typing import Any

from slipway_hub.kubernetes_names import USERNAME, label
from slipway_hub.settings import ONE_NODE, KubernetesSpawning, ProfileSettings

TMP_SIZE = "16Gi"
"""A pod that writes more to /tmp is evicted, so that it cannot fill the node's disk."""

TERMINATION_GRACE_SECONDS = 30
"""Seconds for editors to save and kernels to end."""


def configure(c: Any, kubernetes: KubernetesSpawning) -> None:
    c.JupyterHub.spawner_class = "slipway_hub.pod_spawner.PodSpawner"
    # KubeSpawner's name, so that `extra_config` can win over any of it.
    section = c.KubeSpawner
    section.namespace = kubernetes.namespace
    section.start_timeout = kubernetes.start_timeout
    section.autoscaled = kubernetes.pack
    # Names are explicit: an upgrade of KubeSpawner must not rename a user's pod or home.
    section.slug_scheme = "safe"
    section.pod_name_template = "user-{user_server}"
    section.common_labels = kubernetes.common_labels
    section.extra_annotations = {"karpenter.sh/do-not-disrupt": "true"}
    section.pod_security_context = {
        "runAsNonRoot": True,
        "runAsUser": kubernetes.user_id,
        "runAsGroup": kubernetes.user_id,
        "fsGroup": kubernetes.user_id,
        # Always would rewrite the modes of every file at every start: ssh refuses such keys.
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    section.automount_service_account_token = False
    if kubernetes.image_pull_secret:
        section.image_pull_secrets = [kubernetes.image_pull_secret]
    before_stop = [kubernetes.python, "-m", "slipway_notebook.pre_stop"]
    section.lifecycle_hooks = {"preStop": {"exec": {"command": before_stop}}}
    section.delete_grace_period = TERMINATION_GRACE_SECONDS
    section.extra_pod_config = {
        "enableServiceLinks": False,
        # The pause container then reaps what users' terminals leave behind.
        "shareProcessNamespace": True,
        "terminationGracePeriodSeconds": TERMINATION_GRACE_SECONDS,
    }
    kubernetes.homes.configure(section, kubernetes.hub_labels)
    if kubernetes.pack:
        servers = {"matchLabels": kubernetes.server_labels}
        term = {"labelSelector": servers, "topologyKey": ONE_NODE}
        section.pod_affinity_preferred = [{"weight": 100, "podAffinityTerm": term}]


def apply_profile(kubernetes: KubernetesSpawning, spawner: Any, profile: ProfileSettings) -> None:
    """Set on a spawner what the profile says, and nothing that an earlier profile said."""
    # KubeSpawner fills in what stands in braces: a user's JSON is meant as it is.
    variables = {"HOME": profile.home, **profile.environment}
    spawner.environment = {n: _literal(value) for n, value in variables.items()}
    spawner.default_url = _literal(profile.default_url)
    spawner.image = kubernetes.images[profile.image]
    # The image's WORKDIR may be inside the home: runc would create it there, owned by root.
    spawner.working_dir = profile.home
    # Not `cmd`, which would be arguments of whatever entry point an image has.
    spawner.extra_container_config = {"command": start_command(kubernetes.python)}
    spawner.image_pull_policy = kubernetes.pull_policies[profile.image]
    spawner.cpu_guarantee, spawner.cpu_limit = profile.cpu_guarantee, profile.cpu_limit
    spawner.mem_guarantee, spawner.mem_limit = profile.memory_guarantee, profile.memory_limit
    spawner.extra_resource_limits = {"nvidia.com/gpu": str(profile.gpu)} if profile.gpu else {}
    spawner.container_security_context = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": profile.read_only_root,
        "capabilities": {"drop": ["ALL"]},
    }
    homes, user = kubernetes.homes, spawner.user.name
    own = {USERNAME: label(user)}
    spawner.extra_labels = {**kubernetes.server_labels, **own}
    spawner.storage_extra_labels = own
    if homes.one_node_per_user:
        # All servers of a user on one node: their home can be mounted on one only.
        spawner.pod_affinity_required = [
            {"labelSelector": {"matchLabels": own}, "topologyKey": ONE_NODE}
        ]
    pool = kubernetes.nodes[profile.nodes]
    spawner.node_selector = dict(pool.selector)
    spawner.tolerations = [dict(toleration) for toleration in pool.tolerations]
    memory = {"medium": "Memory", "sizeLimit": str(profile.shared_memory)}
    spawner.volumes = [
        {"name": "home", "persistentVolumeClaim": {"claimName": homes.claim_name()}},
        {"name": "shared-memory", "emptyDir": memory},
        {"name": "tmp", "emptyDir": {"sizeLimit": TMP_SIZE}},
    ]
    spawner.volume_mounts = [
        {"name": "home", "mountPath": profile.home, **homes.mount_options(user)},
        {"name": "shared-memory", "mountPath": "/dev/shm"},  # noqa: S108 - the pod's own
        {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
    ]


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def start_command(python: str) -> list[str]:
    return [python, "-m", "slipway_notebook.start"]
