"""How users' homes reach their pods. A kind of home is one class here."""

from abc import abstractmethod
from typing import Annotated, Any, Literal

from pydantic import Field

from slipway_hub.settings_base import Settings

ONE_NODE = "kubernetes.io/hostname"


class Homes(Settings):
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


AnyHomes = Annotated[SharedHomes | PerUserHomes, Field(discriminator="kind")]
