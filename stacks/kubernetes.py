"""A chart's objects in a stack."""

from collections.abc import Iterable

from aws_cdk import aws_eks_v2 as eks
from constructs import Construct

from charts.rendering import Manifest

WORKLOADS = frozenset({"DaemonSet", "Deployment", "Job", "StatefulSet"})


class KubernetesObjects(Construct):
    """Each object is a CloudFormation resource of its own.

    So an object that leaves the chart is deleted whatever its kind (kubectl's prune knows only
    some), no manifest comes near the provider's payload limit, and an object that exists already
    is adopted. The construct's path is the object's identity: moving it deletes the object.
    """

    def __init__(
        self, scope: Construct, id: str, *, cluster: eks.ICluster, objects: Iterable[Manifest]
    ) -> None:
        super().__init__(scope, id)
        first: eks.KubernetesManifest | None = None
        before: list[eks.KubernetesManifest] = []
        for item in sorted(objects, key=_order):
            made = eks.KubernetesManifest(
                self,
                identity(item),
                cluster=cluster,
                manifest=[item],
                overwrite=True,
                prune=False,
            )
            # A namespace comes before all, a pod after everything it mounts or is governed by.
            if item["kind"] == "Namespace":
                first = made
            elif item["kind"] in WORKLOADS:
                made.node.add_dependency(*before)
            else:
                before.append(made)
            if first is not None and made is not first:
                made.node.add_dependency(first)


def identity(item: Manifest) -> str:
    return f"{item['kind']}-{item['metadata']['name']}".lower()


def _order(item: Manifest) -> int:
    kind = item["kind"]
    return 0 if kind == "Namespace" else 2 if kind in WORKLOADS else 1
