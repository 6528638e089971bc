"""Waiting until what was deployed also runs, so that CloudFormation takes back what does not."""

import hashlib
import json

from aws_cdk import Duration, Stack
from aws_cdk import aws_eks_v2 as eks
from constructs import Construct

from charts.rendering import Manifest

REVISION_LABEL = "slipway/revision"
"""On the pods of a Deployment: the digest of their template."""
TIMEOUT = Duration.minutes(10)
"""A first deploy has to get a node, a volume and the image."""


def with_revision(stack: Stack, item: Manifest) -> Manifest:
    """The object; a Deployment with its pods' revision as a label."""
    if item["kind"] != "Deployment":
        return item
    template = item["spec"]["template"]
    # By logical ids: the text of an unresolved token is another one in every synthesis.
    resolved = json.dumps(stack.resolve(template), sort_keys=True)
    revision = hashlib.sha256(resolved.encode()).hexdigest()[:16]
    labels = {**template["metadata"]["labels"], REVISION_LABEL: revision}
    metadata = {**template["metadata"], "labels": labels}
    return {**item, "spec": {**item["spec"], "template": {**template, "metadata": metadata}}}


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
        selector = {
            **deployment["spec"]["selector"]["matchLabels"],
            REVISION_LABEL: labels[REVISION_LABEL],
        }
        eks.KubernetesObjectValue(
            self,
            "ready",
            cluster=cluster,
            object_type="replicasets",
            # The provider hands it to `kubectl get`, where a selector may stand for a name.
            object_name="--selector=" + ",".join(f"{k}={v}" for k, v in selector.items()),
            object_namespace=deployment["metadata"]["namespace"],
            json_path=".items[?(@.status.readyReplicas>0)].metadata.name",
            timeout=TIMEOUT,
        )
