"""Claims for users' homes and for the hub's database."""

from cdk8s_plus_33 import k8s
from constructs import Construct

from charts.aws_values import AwsValues, FileSystem
from charts.values import quantity
from slipway import facts
from slipway.model.storage import Claim, Storage


class HomeVolumes(Construct):
    """The claim of all homes, if there is one to make: claims per user are made by the hub.

    On AWS it binds to an EFS file system that outlives the cluster.
    """

    def __init__(
        self, scope: Construct, id: str, *, namespace: str, storage: Storage, aws: AwsValues | None
    ) -> None:
        super().__init__(scope, id)
        claim = storage.homes.new_claim
        if claim:
            volume = self._efs_volume(namespace, claim, aws.file_system) if aws else None
            _claim(self, facts.HOMES_CLAIM, namespace, claim, volume)

    def _efs_volume(self, namespace: str, claim: Claim, file_system: FileSystem) -> str:
        """Its name. The driver mounts through the access point, so every file belongs to its user
        and group."""
        name = f"{namespace}-{facts.HOMES_CLAIM}"
        k8s.KubePersistentVolume(
            self,
            "volume",
            metadata=k8s.ObjectMeta(name=name),
            spec=k8s.PersistentVolumeSpec(
                access_modes=[claim.access_mode],
                capacity={"storage": quantity(claim.size)},
                csi=k8s.CsiPersistentVolumeSource(
                    driver="efs.csi.aws.com",
                    volume_handle=f"{file_system.id}::{file_system.access_point}",
                ),
                claim_ref=k8s.ObjectReference(name=facts.HOMES_CLAIM, namespace=namespace),
                persistent_volume_reclaim_policy="Retain",
                storage_class_name=claim.storage_class,
            ),
        )
        return name


class HubDatabase(Construct):
    def __init__(self, scope: Construct, id: str, *, namespace: str, storage: Storage) -> None:
        super().__init__(scope, id)
        claim = Claim("ReadWriteOnce", storage.hub_database, storage.hub_database_class)
        _claim(self, facts.HUB_DATABASE, namespace, claim)


def _claim(
    scope: Construct, name: str, namespace: str, claim: Claim, volume: str | None = None
) -> None:
    k8s.KubePersistentVolumeClaim(
        scope,
        "claim",
        metadata=k8s.ObjectMeta(name=name, namespace=namespace),
        spec=k8s.PersistentVolumeClaimSpec(
            access_modes=[claim.access_mode],
            resources=k8s.VolumeResourceRequirements(requests={"storage": quantity(claim.size)}),
            storage_class_name=claim.storage_class,
            volume_name=volume,
        ),
    )
