"""A chart's objects in a stack."""

from collections.abc import Iterable

from aws_cdk import aws_eks_v2 as eks
from constructs import Construct

from charts.rendering import Manifest

FIRST = frozenset({"Namespace"})
NAMED_BY_OTHERS = frozenset({"IngressClassParams", "NodeClass", "StorageClass"})
WORKLOADS = frozenset({"DaemonSet", "Deployment", "Job", "StatefulSet"})


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
        made: dict[int, list[eks.KubernetesManifest]] = {}
        for item in sorted(objects, key=_turn):
            turn = _turn(item)
            manifest = eks.KubernetesManifest(
                self,
                identity(item),
                cluster=cluster,
                manifest=[item],
                overwrite=True,
                prune=False,
            )
            earlier = [one for before, ones in made.items() if before < turn for one in ones]
            manifest.node.add_dependency(*earlier)
            made.setdefault(turn, []).append(manifest)


def identity(item: Manifest) -> str:
    return f"{item['kind']}-{item['metadata']['name']}".lower()


def _turn(item: Manifest) -> int:
    kind = item["kind"]
    if kind in FIRST:
        return 0
    if kind in NAMED_BY_OTHERS:
        return 1
    return 3 if kind in WORKLOADS else 2
