"""Names, ports and labels by which the objects of the charts find each other.

Each is written here once. What the hub itself is told stands in `slipway.hub_settings`.
"""

HUB = "hub"
PROXY = "proxy"
PROXY_API = "proxy-api"
PROXY_PUBLIC = "proxy-public"
USER_SERVER = "singleuser-server"
"""The component label that KubeSpawner gives to every user's pod."""

HUB_PORT = 8081
PROXY_PORT = 8000
PROXY_API_PORT = 8001
USER_SERVER_PORT = 8888

HUB_SETTINGS = "hub-settings"
HUB_SETTINGS_FOLDER = "/etc/slipway"
HUB_SETTINGS_FILE = "hub.json"
HUB_DATABASE = "hub-database"
HUB_SECRETS = "hub-secrets"
PROXY_TOKEN = "proxy_auth_token"  # noqa: S105 - the name of a secret's key, not a secret

INGRESS_CLASS = "alb"
BLOCK_STORAGE_CLASS = "auto-ebs"

COMMON = {
    "app.kubernetes.io/part-of": "slipway",
    "app.kubernetes.io/managed-by": "slipway",
}
"""On every object."""


def component(name: str) -> dict[str, str]:
    """What selects a component's pods. It must never change: selectors are immutable."""
    return {"app.kubernetes.io/component": name}


def pull_policy(image: str) -> str:
    """A tag may have moved since the node pulled it; a digest cannot."""
    return "IfNotPresent" if "@sha256:" in image else "Always"
