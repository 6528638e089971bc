"""Where users' homes and the hub's database are. A kind of home is one class here."""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import Field

from slipway import facts
from slipway.model.base import Model, Name
from slipway.model.quantities import Duration, Memory

AccessMode = Literal["ReadWriteOnce", "ReadWriteMany"]


class Claim(NamedTuple):
    """What a volume claim asks for."""

    access_mode: AccessMode
    size: str
    storage_class: str | None
    """None is the cluster's default; empty binds to a volume that is there already."""


class Homes(Model):
    """What the hub and the charts ask of every kind of home."""

    @property
    def new_claim(self) -> Claim | None:
        """What to claim for all homes. None: there is a claim, or the hub makes one per user."""
        return None

    @property
    def claim_name(self) -> str | None:
        """The volume claim with a folder per user. None: each user has a claim of their own."""
        return None

    @property
    def one_node(self) -> bool:
        """Whether the claim can be mounted on one node only: servers stay where the hub is."""
        return False

    def for_hub(self) -> dict[str, Any]:
        """The hub's settings: of one of the kinds in `slipway_hub.settings`."""
        return {
            "kind": "shared",
            "claim": self.claim_name,
            "folder": facts.HOMES_FOLDER,
            "one_node": self.one_node,
        }


class SharedHomes(Homes):
    """One volume, a folder per user. The hub makes the folder; a user's pod mounts it alone."""

    kind: Literal["shared"] = "shared"
    claim_name: ClassVar[str] = facts.HOMES_CLAIM
    storage_class: Name | None = None
    """The cluster's default when left out."""
    access_mode: AccessMode = "ReadWriteOnce"
    """With ReadWriteOnce, which every storage class has, all servers run on the hub's node."""
    size: Memory = "10Gi"

    @property
    def new_claim(self) -> Claim:
        return Claim(self.access_mode, self.size, self.storage_class)

    @property
    def one_node(self) -> bool:
        return self.access_mode == "ReadWriteOnce"


class PerUserHomes(Homes):
    """A volume for each user, made when they first start a server."""

    kind: Literal["per-user"]
    storage_class: Name | None = None
    size: Memory = "10Gi"

    def for_hub(self) -> dict[str, Any]:
        return self.model_dump()


class ExistingHomes(Homes):
    """A claim that somebody else made in the namespace, a folder per user in it."""

    kind: Literal["existing"]
    claim: Name
    access_mode: AccessMode = "ReadWriteMany"

    @property
    def claim_name(self) -> str:
        return self.claim

    @property
    def one_node(self) -> bool:
        return self.access_mode == "ReadWriteOnce"


class EfsHomes(Homes):
    """An EFS file system, a folder per user. On EKS always, so no file names it."""

    kind: Literal["efs"] = "efs"
    claim_name: ClassVar[str] = facts.HOMES_CLAIM
    # EFS has no size; Kubernetes wants one.
    new_claim: ClassVar[Claim] = Claim("ReadWriteMany", "1Ti", "")


AnyHomes = Annotated[SharedHomes | PerUserHomes | ExistingHomes, Field(discriminator="kind")]


class Storage(Model):
    """What every cluster has."""

    if TYPE_CHECKING:
        hub_database: str
        snapshots_every: str

        @property
        def homes(self) -> Homes: ...

        @property
        def hub_database_class(self) -> str | None: ...


class KubernetesStorage(Storage):
    homes: AnyHomes = SharedHomes()
    hub_database: Memory = "1Gi"
    hub_database_class: Name | None = None
    """Storage class of the hub's database; the cluster's default when left out."""
    snapshots_every: Duration = "1h"
    """How often the hub's database is copied to where the homes are."""


class EksStorage(Storage):
    hub_database: Memory = "10Gi"
    snapshots_every: Duration = "1h"
    """How often the hub's database is copied to the bucket of snapshots."""
    backup_retention: Duration = "35d"
    homes: ClassVar[EfsHomes] = EfsHomes()
    hub_database_class: ClassVar[str] = facts.BLOCK_STORAGE_CLASS
