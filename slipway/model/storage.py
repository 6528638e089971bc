"""Where users' homes and the hub's database are."""

from typing import Annotated, Literal

from pydantic import Field

from slipway.model.base import Model, Name
from slipway.model.quantities import Duration, Memory

RECORDS_PREFIX = "records/"
"""Of the keys in the data bucket: what smoke tests, promotions and rollbacks leave."""


class SharedHomes(Model):
    """One volume, a folder per user. The hub makes the folder; a user's pod mounts it alone."""

    kind: Literal["shared"] = "shared"
    storage_class: Name | None = None
    """The cluster's default when left out."""
    access_mode: Literal["ReadWriteOnce", "ReadWriteMany"] = "ReadWriteOnce"
    """With ReadWriteOnce, which every storage class has, all servers run on the hub's node."""
    size: Memory = "10Gi"


class PerUserHomes(Model):
    """A volume for each user, made when they first start a server."""

    kind: Literal["per-user"]
    storage_class: Name | None = None
    size: Memory = "10Gi"


class ExistingHomes(Model):
    """A claim that somebody else made in the namespace, a folder per user in it."""

    kind: Literal["existing"]
    claim: Name
    access_mode: Literal["ReadWriteOnce", "ReadWriteMany"] = "ReadWriteMany"


AnyHomes = Annotated[SharedHomes | PerUserHomes | ExistingHomes, Field(discriminator="kind")]


class KubernetesStorage(Model):
    homes: AnyHomes = SharedHomes()
    hub_database: Memory = "1Gi"
    hub_database_class: Name | None = None
    """Storage class of the hub's database; the cluster's default when left out."""
    snapshots_every: Duration = "1h"
    """How often the hub's database is copied to where the homes are."""


class EksStorage(Model):
    hub_database: Memory = "10Gi"
    snapshots_every: Duration = "1h"
    """How often the hub's database is copied to the bucket of snapshots."""
    backup_retention: Duration = "35d"
