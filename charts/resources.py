"""CPU and memory of each container of the charts."""

from dataclasses import dataclass

from cdk8s_plus_33 import k8s

from charts.values import quantity


@dataclass(frozen=True)
class ContainerResources:
    """CPU has no limit: a container that may use what is idle starts and answers sooner."""

    cpu: str
    memory: str
    memory_limit: str


HUB = ContainerResources(cpu="250m", memory="384Mi", memory_limit="1536Mi")
"""For a thousand users with a running server each (`make bench-hub`, two cores): 243 MiB and 61 MiB
for KubeSpawner's copy of their pods; 16 % of a core in use. Each login with a start takes 89 ms of
CPU, so a class of 300 in ten minutes takes 5 %. The limit leaves room for lists of all users."""
PROXY = ContainerResources(cpu="100m", memory="128Mi", memory_limit="512Mi")
FETCH_SECRETS = ContainerResources(cpu="50m", memory="96Mi", memory_limit="256Mi")
"""AWS's SDK and its certificates."""
IDLE = ContainerResources(cpu="1m", memory="8Mi", memory_limit="32Mi")
"""A shell that sleeps."""
DEFAULT_REQUESTS = {"cpu": "10m", "memory": "32Mi"}
"""For a container that has no requests."""


def requirements(container: ContainerResources) -> k8s.ResourceRequirements:
    return k8s.ResourceRequirements(
        requests={"cpu": quantity(container.cpu), "memory": quantity(container.memory)},
        limits={"memory": quantity(container.memory_limit)},
    )
