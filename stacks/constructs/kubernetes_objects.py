"""A chart's objects in a stack."""

from collections.abc import Iterable

from aws_cdk import aws_eks_v2 as eks
from constructs import Construct

from charts.rendering import Manifest

APPLY_ORDER = {
    "Namespace": 0,
    **dict.fromkeys(("IngressClassParams", "NodeClass", "StorageClass"), 1),
    **dict.fromkeys(("DaemonSet", "Deployment", "Job", "StatefulSet"), 3),
}
"""By kind, the lowest first. Any other kind is 2."""


class KubernetesObjects(Construct):
    """Each object is a CloudFormation resource of its own.

    So an object that leaves the chart is deleted whatever its kind (kubectl's prune knows only
    some), no manifest comes near the provider's payload limit, and an object that exists already
    is adopted. The construct's path is the object's identity: moving it deletes the object.

    What others name is made before them and deleted after them: a namespace before all, a node
    class before its pools, a pod after everything it mounts or is governed by.
    """

    def __init__(
        self, scope: Construct, id: str, *, cluster: eks.ICluster, objects: Iterable[Manifest]
    ) -> None:
        super().__init__(scope, id)
        applied: list[tuple[int, eks.KubernetesManifest]] = []
        for item in sorted(objects, key=apply_order):
            manifest = eks.KubernetesManifest(
                self,
                object_id(item),
                cluster=cluster,
                manifest=[item],
                overwrite=True,
                prune=False,
            )
            order = apply_order(item)
            manifest.node.add_dependency(
                *(earlier for before, earlier in applied if before < order)
            )
            applied.append((order, manifest))


def object_id(item: Manifest) -> str:
    return f"{item['kind']}-{item['metadata']['name']}".lower()


def apply_order(item: Manifest) -> int:
    return APPLY_ORDER.get(item["kind"], 2)
