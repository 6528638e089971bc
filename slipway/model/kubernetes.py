"""`environments/<name>.yaml` with `target: kubernetes`."""

from typing import Literal

from pydantic import Field

from slipway import facts
from slipway.model.base import ImageReference, Name, Text
from slipway.model.nodes import KubernetesNodePool, LabelKey
from slipway.model.specs import ClusterNetwork, ClusterSpec, PullPolicy, ServiceType
from slipway.model.storage import KubernetesStorage


class KubernetesSpec(ClusterSpec):
    """Any conformant cluster, for `slipway render`."""

    target: Literal["kubernetes"]
    namespace: Name = facts.NAMESPACE
    registry: ImageReference
    """Where the images of this project are: `registry.example.org/slipway`."""
    image_pull_secret: Name | None = None
    """A Secret in the namespace, for a registry that asks for a password."""
    ingress_class: Name | None = None
    ingress_annotations: dict[LabelKey, Text] = Field(default_factory=dict)
    """For the controller: body size, time-outs, cert-manager's issuer."""
    image_pull_policy: PullPolicy = "Always"
    """For images by tag. Always sees a tag that has moved; IfNotPresent is for images that are
    loaded onto nodes and in no registry."""
    service: ServiceType = "ClusterIP"
    """How the proxy is reached without an Ingress."""
    nodes: dict[Name, KubernetesNodePool] = Field(
        default_factory=lambda: {facts.USER_NODES: KubernetesNodePool()}, min_length=1
    )
    storage: KubernetesStorage = KubernetesStorage()
    network: ClusterNetwork = ClusterNetwork()

    @property
    def cluster_network(self) -> ClusterNetwork:
        return self.network

    @property
    def public_by(self) -> tuple[str, ...]:
        """Also a load balancer, or a port of every node. What is said of an Ingress counts without
        a domain too: somebody has one, or is about to.
        """
        service = (f"service: {self.service}",) if self.service != "ClusterIP" else ()
        ingress = (name for name in ("ingress_class", "ingress_annotations") if getattr(self, name))
        return (*super().public_by, *service, *ingress)
