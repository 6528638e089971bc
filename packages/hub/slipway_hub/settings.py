"""The hub's settings: one JSON file, the same shape in a pod and on a laptop.

`slipway.settings.hub` writes it from an environment; `jupyterhub_config.py` reads it.
"""

import os
from abc import abstractmethod
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

VARIABLE = "SLIPWAY_HUB_SETTINGS"
"""The environment variable that names the file."""
SNAPSHOTS = "SLIPWAY_SNAPSHOTS"
"""The one that says where snapshots of the database are kept: `s3://bucket/prefix` or a folder."""
SECRETS = "SLIPWAY_SECRETS"
"""The one that names the folder that secrets are written to."""
READY = "slipway-ready"
"""Below /hub/: whether the hub can work, for probes."""
ONE_NODE = "kubernetes.io/hostname"
"""The topology key of affinities that mean a node."""


class Settings(BaseModel):
    """Frozen; unknown keys are refused, because another version of the hub would mean them."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ProfileSettings(Settings):
    """What a user may launch. Memory in bytes, CPU in cores."""

    slug: str
    title: str
    description: str = ""
    image: str
    """By its name in the catalog."""
    default_url: str
    icon: str = ""
    """Of the app it lands in, by its name in `HubSettings.icons`."""
    groups: tuple[str, ...] = ()
    environment: dict[str, str] = {}
    cpu_guarantee: float | None = None
    cpu_limit: float | None = None
    memory_guarantee: int | None = None
    memory_limit: int | None = None
    gpu: int = 0
    shared_memory: int = 2**30
    """What /dev/shm may hold."""
    home: str = "/home/jovyan"
    """Where the image has its users' home."""
    read_only_root: bool = True
    nodes: str = "users"
    """The node pool it runs on, by its name in `KubernetesSpawning.nodes`."""


class RouteSettings(Settings):
    """`path` of the hub lands at `target` below a server that runs `profile`."""

    path: str
    profile: str
    target: str
    title: str
    icon: str = ""
    """By its name in `HubSettings.icons`."""


class CullingSettings(Settings):
    """In seconds; `max_age` 0 means never by age."""

    idle: int
    every: int
    max_age: int = 0

    @property
    def report_every(self) -> int:
        """How often a server reports: several times before it would count as idle."""
        return max(1, min(300, self.idle // 4))


class Addresses(Settings):
    """Where hub and proxy listen and find each other."""

    public_url: str
    """The address users visit, or empty when any may be used."""
    proxy_bind_url: str
    """What the proxy listens on, if the hub starts it."""
    proxy_api_url: str
    hub_bind_url: str
    hub_connect_url: str
    """How the proxy and the users' servers reach the hub."""


class LocalSpawning(Settings):
    """Servers are processes of this machine."""

    is_local: ClassVar[bool] = True
    kind: Literal["local"]
    homes: str
    skel: str
    """Copied into a home that does not exist yet."""
    config: str
    """Holds a Jupyter configuration folder per image."""
    path: str
    """PATH of the servers."""
    command: tuple[str, ...]
    proxy_command: tuple[str, ...]
    python_path: dict[str, str] = {}
    """Additional Python packages per image."""


class NodePoolSettings(Settings):
    """How a pod gets onto the nodes of a pool, as Kubernetes writes it."""

    selector: dict[str, str] = {}
    tolerations: tuple[dict[str, str], ...] = ()


class Homes(Settings):
    """How users' homes reach their pods. A kind of homes is one class."""

    @abstractmethod
    def configure(self, section: Any, hub_labels: dict[str, str]) -> None:
        """Set KubeSpawner's options. `hub_labels` select the hub's own pod."""

    @abstractmethod
    def claim_name(self) -> str:
        """Of a user's volume, as a template of KubeSpawner."""

    def mount_options(self, user: str) -> dict[str, str]:
        return {}

    @property
    def one_node_per_user(self) -> bool:
        """Whether all servers of a user must run on one node."""
        return False


class SharedHomes(Homes):
    """One volume with a folder per user."""

    kind: Literal["shared"]
    claim: str
    folder: str
    """Where the hub mounts the whole of it."""
    one_node: bool
    """Whether it can be mounted on one node only, which is then the hub's."""

    def configure(self, section: Any, hub_labels: dict[str, str]) -> None:
        section.homes_folder = self.folder
        section.storage_pvc_ensure = False
        if self.one_node:
            section.pod_affinity_required = [
                {"labelSelector": {"matchLabels": hub_labels}, "topologyKey": ONE_NODE}
            ]

    def claim_name(self) -> str:
        return self.claim

    def mount_options(self, user: str) -> dict[str, str]:
        # The user's name itself, not KubeSpawner's {unescaped_username}: what that is expanded to
        # loses a dash at its end, and ada- would get the home of ada.
        return {"subPath": user}


class PerUserHomes(Homes):
    """A volume for each user."""

    kind: Literal["per-user"]
    size: str
    storage_class: str | None = None

    def configure(self, section: Any, hub_labels: dict[str, str]) -> None:
        section.storage_pvc_ensure = True
        # A user who is deleted may come back: somebody has to decide about their files.
        section.delete_pvc = False
        section.pvc_name_template = "home-{username}"
        section.storage_capacity = self.size
        section.storage_class = self.storage_class
        section.storage_access_modes = ["ReadWriteOnce"]

    def claim_name(self) -> str:
        return "{pvc_name}"

    @property
    def one_node_per_user(self) -> bool:
        return True


class KubernetesSpawning(Settings):
    """Servers are pods."""

    is_local: ClassVar[bool] = False
    kind: Literal["kubernetes"]
    namespace: str
    user_id: int
    """User and group of every server."""
    python: str
    """Where images have the interpreter that holds `slipway_notebook`."""
    common_labels: dict[str, str]
    """On everything that the hub makes."""
    server_labels: dict[str, str]
    """On servers' pods: by which NetworkPolicies know them."""
    hub_labels: dict[str, str]
    """Select the hub's own pod."""
    images: dict[str, str]
    """References by the catalog's names."""
    pull_policies: dict[str, Literal["Always", "IfNotPresent"]]
    """By the same names."""
    homes: Annotated[SharedHomes | PerUserHomes, Field(discriminator="kind")]
    nodes: dict[str, NodePoolSettings]
    pack: bool
    """Fill nodes one after another, so that an autoscaler finds empty ones to remove."""
    image_pull_secret: str | None = None
    start_timeout: int
    """In seconds."""


class SecretFiles(Settings):
    """What the files in the folder of secrets are called."""

    proxy_token: str
    cookie_secret: str
    smoke_token: str
    """There if `slipway smoke` may test this hub."""
    prometheus_token: str
    """There if Prometheus scrapes the hub: the token that it sends."""
    oauth_client_secret: str
    user_password: str
    admin_password: str


class HubSettings(Settings):
    release: str = ""
    """The version that runs, or `working-tree`."""
    title: str = ""
    """What the hub is called; JupyterHub when empty."""
    logo: str = ""
    """A `data:` URI in base64; JupyterHub's own when empty."""
    icons: dict[str, str] = {}
    """SVG by name: of those apps that have one here."""
    profiles: tuple[ProfileSettings, ...]
    default_profile: str | None = None
    server_suffix: str
    """A profile's named server is its name and this."""
    routes: tuple[RouteSettings, ...] = ()
    username_pattern: str
    """What a user name must match."""
    auth: dict[str, Any]
    """The environment file's `auth`, as it was checked there."""
    culling: CullingSettings
    concurrent_spawns: int = 64
    max_servers: int = 0
    """Servers that may run at the same time; 0 for any number."""
    snapshots_every: int = 0
    """Seconds between two snapshots of the database; 0 for none."""
    restore_database: str = ""
    """A snapshot that takes the database's place, once."""
    addresses: Addresses
    state: str
    """Folder of the hub's database."""
    secrets: str
    """Folder with one file per secret."""
    secret_files: SecretFiles
    spawning: Annotated[LocalSpawning | KubernetesSpawning, Field(discriminator="kind")]
    extra_config: dict[str, dict[str, Any]] = {}
    """JupyterHub configuration by class, applied last."""

    def server(self, profile: str) -> str:
        """The named server that a profile runs in when the default server is taken."""
        return f"{profile}{self.server_suffix}"

    def profile(self, slug: str) -> ProfileSettings | None:
        return next((p for p in self.profiles if p.slug == slug), None)

    def has_secret(self, name: str) -> bool:
        return (Path(self.secrets) / name).exists()

    def secret(self, name: str) -> str:
        """The content of a secret's file. Raises RuntimeError that names the file."""
        file = Path(self.secrets) / name
        try:
            return file.read_text().strip()
        except OSError as error:
            raise RuntimeError(f"the secret {file} cannot be read: {error.strerror}") from error


def from_environment() -> HubSettings:
    """The settings in the file that SLIPWAY_HUB_SETTINGS names.

    Raises RuntimeError when the variable is missing, pydantic.ValidationError when the file is
    not what this version of the hub expects.
    """
    file = os.environ.get(VARIABLE)
    if not file:
        raise RuntimeError(f"{VARIABLE} must name the hub's settings file")
    return HubSettings.model_validate_json(Path(file).read_bytes())
