"""Waiting until what was deployed also runs, so that CloudFormation takes back what does not."""

import hashlib
import json
from collections.abc import Iterable, Iterator

from aws_cdk import Duration, Stack
from aws_cdk import aws_eks_v2 as eks
from constructs import Construct

from charts.rendering import Manifest

REVISION = "slipway/revision"
"""On the pods of a Deployment: the digest of their template."""
LONGEST = Duration.minutes(10)
"""A first deploy has to get a node, a volume and the image."""


def with_revisions(stack: Stack, objects: Iterable[Manifest]) -> Iterator[Manifest]:
    """Each object, a Deployment with its pods' revision as a label."""
    for item in objects:
        if item["kind"] == "Deployment":
            template = item["spec"]["template"]
            # By logical ids: the text of an unresolved token is another one in every synthesis.
            known = json.dumps(stack.resolve(template), sort_keys=True)
            labels = template["metadata"]["labels"]
            labels[REVISION] = hashlib.sha256(known.encode()).hexdigest()[:16]
        yield item


class RollOut(Construct):
    """Done when a pod of this very revision is ready; fails after ten minutes.

    The ReplicaSet is asked, because a Deployment's own status is the old one's until the controller
    has seen the new: Kubernetes gives the template's labels to its ReplicaSet.
    """

    def __init__(
        self, scope: Construct, id: str, *, cluster: eks.ICluster, deployment: Manifest
    ) -> None:
        super().__init__(scope, id)
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        selector = {**deployment["spec"]["selector"]["matchLabels"], REVISION: labels[REVISION]}
        eks.KubernetesObjectValue(
            self,
            "ready",
            cluster=cluster,
            object_type="replicasets",
            # The provider hands it to `kubectl get`, where a selector may stand for a name.
            object_name="--selector=" + ",".join(f"{k}={v}" for k, v in selector.items()),
            object_namespace=deployment["metadata"]["namespace"],
            json_path=".items[?(@.status.readyReplicas>0)].metadata.name",
            timeout=LONGEST,
        )
