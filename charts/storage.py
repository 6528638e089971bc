"""Claims for users' homes and for the hub's database."""

from cdk8s_plus_33 import k8s
from constructs import Construct

from charts.aws_values import AwsValues, FileSystem
from charts.values import quantity
from slipway import facts
from slipway.model.storage import EfsHomes, Homes, SharedHomes

NO_CLASS = ""
"""Bind to a volume that exists already."""


class HomeVolumes(Construct):
    """Volumes and claims of one kind of homes. Per-user claims are made by the hub, and an existing
    one is there."""

    def __init__(
        self, scope: Construct, id: str, *, namespace: str, homes: Homes, aws: AwsValues | None
    ) -> None:
        super().__init__(scope, id)
        if isinstance(homes, SharedHomes):
            SharedVolume(self, "shared", namespace=namespace, homes=homes)
        elif isinstance(homes, EfsHomes):
            if aws is None:
                raise ValueError("homes on EFS need the values of their AWS account")
            EfsVolume(self, "efs", namespace=namespace, file_system=aws.file_system)


class EfsVolume(Construct):
    """Homes on an EFS file system that outlives the cluster.

    The driver mounts through the access point, so every file belongs to its user and group.
    """

    def __init__(
        self, scope: Construct, id: str, *, namespace: str, file_system: FileSystem
    ) -> None:
        super().__init__(scope, id)
        # EFS has no size; Kubernetes wants one.
        capacity = "1Ti"
        volume = f"{namespace}-{facts.HOMES_CLAIM}"
        k8s.KubePersistentVolume(
            self,
            "volume",
            metadata=k8s.ObjectMeta(name=volume),
            spec=k8s.PersistentVolumeSpec(
                access_modes=["ReadWriteMany"],
                capacity={"storage": quantity(capacity)},
                csi=k8s.CsiPersistentVolumeSource(
                    driver="efs.csi.aws.com",
                    volume_handle=f"{file_system.id}::{file_system.access_point}",
                ),
                claim_ref=k8s.ObjectReference(name=facts.HOMES_CLAIM, namespace=namespace),
                persistent_volume_reclaim_policy="Retain",
                storage_class_name=NO_CLASS,
            ),
        )
        k8s.KubePersistentVolumeClaim(
            self,
            "claim",
            metadata=k8s.ObjectMeta(name=facts.HOMES_CLAIM, namespace=namespace),
            spec=_claim("ReadWriteMany", capacity, NO_CLASS, volume),
        )


class SharedVolume(Construct):
    """A claim for homes on a storage class of the cluster."""

    def __init__(self, scope: Construct, id: str, *, namespace: str, homes: SharedHomes) -> None:
        super().__init__(scope, id)
        k8s.KubePersistentVolumeClaim(
            self,
            "claim",
            metadata=k8s.ObjectMeta(name=facts.HOMES_CLAIM, namespace=namespace),
            spec=_claim(homes.access_mode, homes.size, homes.storage_class),
        )


class HubDatabase(Construct):
    def __init__(
        self, scope: Construct, id: str, *, namespace: str, size: str, storage_class: str | None
    ) -> None:
        super().__init__(scope, id)
        k8s.KubePersistentVolumeClaim(
            self,
            "claim",
            metadata=k8s.ObjectMeta(name=facts.HUB_DATABASE, namespace=namespace),
            spec=_claim("ReadWriteOnce", size, storage_class),
        )


def _claim(
    mode: str, size: str, storage_class: str | None, volume: str | None = None
) -> k8s.PersistentVolumeClaimSpec:
    return k8s.PersistentVolumeClaimSpec(
        access_modes=[mode],
        resources=k8s.VolumeResourceRequirements(requests={"storage": quantity(size)}),
        storage_class_name=storage_class,
        volume_name=volume,
    )
