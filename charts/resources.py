"""What each container of the charts may use."""

from dataclasses import dataclass
from functools import cache

from cdk8s_plus_33 import k8s


@dataclass(frozen=True)
class Need:
    """CPU has no limit: a container that may use what is idle starts and answers sooner."""

    cpu: str
    memory: str
    memory_limit: str


HUB = Need(cpu="250m", memory="384Mi", memory_limit="1536Mi")
"""For a thousand users with a running server each (`make bench-hub`, two cores): 243 MiB and 61 MiB
for KubeSpawner's copy of their pods; 16 % of a core in use. Each login with a start takes 89 ms of
CPU, so a class of 300 in ten minutes takes 5 %. The limit leaves room for lists of all users."""
PROXY = Need(cpu="100m", memory="128Mi", memory_limit="512Mi")
FETCH_SECRETS = Need(cpu="50m", memory="96Mi", memory_limit="256Mi")
"""AWS's SDK and its certificates."""
ASLEEP = Need(cpu="1m", memory="8Mi", memory_limit="32Mi")
"""A shell that waits."""
LEAST = {"cpu": "10m", "memory": "32Mi"}
"""What the namespace sets aside for a container that asks for nothing."""


def requirements(need: Need) -> k8s.ResourceRequirements:
    return k8s.ResourceRequirements(
        requests={"cpu": quantity(need.cpu), "memory": quantity(need.memory)},
        limits={"memory": quantity(need.memory_limit)},
    )


@cache
def quantity(text: str) -> k8s.Quantity:
    """Kept, because each costs a round trip to jsii."""
    return k8s.Quantity.from_string(text)
