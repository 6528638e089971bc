"""Node pools: the machines that profiles run on, and what a server may ask of one."""

from abc import abstractmethod
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from slipway import facts
from slipway.model.base import Model, Text200, refuse, text
from slipway.model.quantities import Cpu, Memory, memory_bytes

LabelKey = Annotated[
    str,
    *text(
        r"([a-z0-9]([a-z0-9.-]*[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?",
        "a Kubernetes label's name",
        "example.org/purpose",
        253,
    ),
]
LabelValue = Annotated[
    str,
    *text(
        r"([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)?", "a Kubernetes label's value", "users", 63
    ),
]

USER_TAINT = {"key": "hub.jupyter.org/dedicated", "value": "user", "effect": "NoSchedule"}
"""On EKS nodes of users' servers: the one that the z2jh chart's users know."""
EFS_STARTUP_TAINT = {"key": "efs.csi.aws.com/agent-not-ready", "effect": "NoExecute"}
"""On a new EKS node. The EFS driver removes it when it can mount homes:
https://github.com/kubernetes-sigs/aws-efs-csi-driver/blob/master/docs/install.md"""

_MIB = 2**20
_MAX_PODS = 110
_SYSTEM_MEMORY = (255 + 11 * _MAX_PODS + 100) * _MIB
"""What the kubelet of an EKS node keeps for itself, and where it starts to evict:
https://github.com/awslabs/amazon-eks-ami/blob/main/templates/al2/runtime/bootstrap.sh"""
_DAEMONS = (0.2, 300 * _MIB)
"""Cores and bytes for what runs on every node: the EFS driver, monitoring, the image puller."""


class Toleration(Model):
    """https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/"""

    key: LabelKey
    value: LabelValue | None = None
    """Left out: whatever the taint's value is."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None

    def for_pod(self) -> dict[str, str]:
        operator = "Exists" if self.value is None else "Equal"
        return self.model_dump(exclude_none=True) | {"operator": operator}


class Capacity(Model):
    """The most that one server may ask for. None: not known, so not checked."""

    cpu: float | None = None
    memory: int | None = None
    gpus: int = 0


class NodePool(Model):
    """What every target's node pools have."""

    gpus: int = Field(default=0, ge=0, le=16)
    """GPUs of a node. Profiles with GPUs need a pool that has them."""
    placeholders: int = Field(default=0, ge=0, le=500)
    """Places of the default profile's size that are kept free, so that users need not wait for
    a node."""

    @abstractmethod
    def capacity(self) -> Capacity:
        """What one server can have on an otherwise empty node."""

    @abstractmethod
    def node_selector(self, name: str) -> dict[str, str]:
        """Labels of the nodes of the pool, which is called `name`."""

    @abstractmethod
    def pod_tolerations(self) -> tuple[dict[str, str], ...]:
        """What a pod needs to run there, as Kubernetes writes it."""

    def startup_tolerations(self) -> tuple[dict[str, str], ...]:
        """What a pod needs beside that to run on a node that is not ready for others yet."""
        return ()


class KubernetesNodePool(NodePool):
    """Nodes of a cluster that exists already."""

    selector: dict[LabelKey, LabelValue] = Field(default_factory=dict)
    """Labels that the nodes have."""
    tolerations: tuple[Toleration, ...] = ()
    cpu: Cpu | None = None
    """Cores that the largest node has for pods; `slipway check` refuses what does not fit."""
    memory: Memory | None = None

    def capacity(self) -> Capacity:
        memory = memory_bytes(self.memory) if self.memory else None
        return Capacity(cpu=self.cpu, memory=memory, gpus=self.gpus)

    def node_selector(self, name: str) -> dict[str, str]:
        return self.selector

    def pod_tolerations(self) -> tuple[dict[str, str], ...]:
        return tuple(toleration.for_pod() for toleration in self.tolerations)


class EksNodePool(NodePool):
    """Nodes that EKS Auto Mode makes and removes as users come and go."""

    cpu: int = Field(default=16, ge=2, le=192)
    """vCPUs of the largest instance it may choose."""
    memory: Memory = "64Gi"
    """Memory of the largest instance it may choose."""
    gpu_names: tuple[Text200, ...] = ()
    """Which GPUs, as EKS calls them (`t4`, `a10g`, `l4`); any when left out."""
    spot: bool = False
    """Spot instances: cheaper, and taken back with two minutes' notice."""
    max_cpu: int = Field(default=512, ge=2)
    """vCPUs of all its nodes together: the limit of the bill."""

    @model_validator(mode="after")
    def _gpus_go_with_their_names(self) -> Self:
        if self.gpu_names and not self.gpus:
            raise refuse("gpu_names are given, but no gpus", "add gpus: 1")
        return self

    def node_selector(self, name: str) -> dict[str, str]:
        return {facts.NODE_POOL_LABEL: name}

    def pod_tolerations(self) -> tuple[dict[str, str], ...]:
        return (_toleration(USER_TAINT),)

    def startup_tolerations(self) -> tuple[dict[str, str], ...]:
        return (_toleration(EFS_STARTUP_TAINT),)

    def capacity(self) -> Capacity:
        """Without what the kubelet and daemons take."""
        cores, daemons = _DAEMONS
        return Capacity(
            cpu=self.cpu - _kubelet_cores(self.cpu) - cores,
            memory=memory_bytes(self.memory) - _SYSTEM_MEMORY - daemons,
            gpus=self.gpus,
        )


def _kubelet_cores(cores: int) -> float:
    """6 % of the first core, 1 % of the second, 0.5 % of the next two, 0.25 % of the rest."""
    shares = [0.06, 0.01, 0.005, 0.005]
    return sum(shares[:cores]) + 0.0025 * max(0, cores - len(shares))


def _toleration(taint: dict[str, str]) -> dict[str, str]:
    operator = "Equal" if "value" in taint else "Exists"
    return {"key": taint["key"], "operator": operator, **taint}
