"""Names, ports and labels by which the objects of the charts find each other.

Each is written here once. What the hub itself is told stands in `slipway.settings.hub`.
"""

from functools import cache

from cdk8s_plus_33 import k8s

HUB = "hub"
PROXY = "proxy"
PROXY_API = "proxy-api"
PROXY_PUBLIC = "proxy-public"
USER_SERVER = "singleuser-server"
"""The component label that KubeSpawner gives to every user's pod."""
IMAGE_PULLER = "image-puller"
PLACEHOLDER = "user-placeholder"

HUB_PORT = 8081
PROXY_PORT = 8000
PROXY_API_PORT = 8001
PROXY_METRICS_PORT = 8002
USER_SERVER_PORT = 8888

HUB_SETTINGS = "hub-settings"
HUB_SETTINGS_FOLDER = "/etc/slipway"
HUB_SETTINGS_FILE = "hub.json"
HUB_DATABASE = "hub-database"
HUB_SECRETS = "hub-secrets"
PROXY_TOKEN = "proxy_auth_token"  # noqa: S105 - the name of a secret's file, not a secret

INGRESS_CLASS = "alb"
BLOCK_STORAGE_CLASS = "auto-ebs"
CORE_NODES = "core"
"""The node pool of the hub, its proxy and the cluster's add-ons on EKS."""
USER_NODES = "users"
"""The node class of every pool that runs users' servers on EKS."""

COMPONENT = "app.kubernetes.io/component"
VERSION = "app.kubernetes.io/version"
HOSTNAME = "kubernetes.io/hostname"
NODE_POOL = "karpenter.sh/nodepool"
NODE_PURPOSE = "hub.jupyter.org/node-purpose"
PLACED_IN = "hub.jupyter.org/node-pool"
"""On image pullers and placeholders: the node pool they are for."""

COMMON = {
    "app.kubernetes.io/name": "jupyterhub",
    "app.kubernetes.io/part-of": "slipway",
    "app.kubernetes.io/managed-by": "slipway",
}
"""On every object."""


def component(name: str) -> dict[str, str]:
    """What selects a component's pods. It must never change: selectors are immutable."""
    return {COMPONENT: name}


@cache
def port(number: int) -> k8s.IntOrString:
    """As probes, Services and policies write it. Kept: each costs a round trip to jsii."""
    return k8s.IntOrString.from_number(number)


def priority(namespace: str, name: str) -> str:
    """A priority class belongs to the whole cluster: two environments must not share one."""
    return f"{namespace}-{name}"


HELD = "IfNotPresent"
"""For what an init container of the same image has pulled: all of a pod is one version, also when
one of its containers is restarted, and no restart waits for the registry."""
