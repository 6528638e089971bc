"""Placeholders: pods that keep room on nodes, so that the next user need not wait for one."""

from cdk8s_plus_33 import k8s
from constructs import Construct

from charts import placement
from charts.deployment import Deployment
from charts.idle_pods import idle_container, idle_pod
from charts.priorities import PLACEHOLDER
from charts.resources import DEFAULT_REQUESTS
from charts.values import quantity
from slipway import facts
from slipway.model import Environment
from slipway.model.catalog import Profile


class Placeholders(Construct):
    """Pods of a server's size that give way to a user's at once.

    The scheduler evicts one for a server that finds no room, and the evicted one is what makes an
    autoscaler add a node: https://kubernetes.io/docs/tasks/administer-cluster/node-overprovisioning/
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        pool: str,
        profile: Profile,
        replicas: int,
    ) -> None:
        super().__init__(scope, id)
        spec = environment.cluster_spec
        labels = facts.component_labels(facts.PLACEHOLDER)
        of_pool = {**labels, facts.IDLE_POD_POOL_LABEL: pool}
        # Any image that is on the node anyway.
        image = environment.image_reference(profile.image)
        pull_policy = environment.pull_policy(profile.image)
        container = idle_container("placeholder", image, pull_policy, _size(profile))
        Deployment(
            self,
            "placeholders",
            name=f"{facts.PLACEHOLDER}-{pool}",
            labels=of_pool,
            replicas=replicas,
            pod=idle_pod(
                spec,
                pool,
                priority=PLACEHOLDER,
                containers=[container],
                # Alone on a node it would keep that from being empty.
                affinity=placement.near_users(facts.PLACEHOLDER),
            ),
        )


def profile_of(environment: Environment, pool: str) -> Profile | None:
    """The profile whose size placeholders have: the default one if it runs in the pool, else the
    pool's first."""
    catalog = environment.catalog
    default = catalog.profiles.get(catalog.default_profile or "")
    in_pool = [p for p in (default, *catalog.profiles.values()) if p and p.nodes == pool]
    return in_pool[0] if in_pool else None


def _size(profile: Profile) -> k8s.ResourceRequirements:
    """What the scheduler reserves for a server: its guarantee, or its limit without one."""
    cpu, memory = profile.resources.cpu, profile.resources.memory
    cores = cpu.guarantee or cpu.limit
    held = quantity(memory.guarantee or memory.limit or DEFAULT_REQUESTS["memory"])
    gpus = {"nvidia.com/gpu": quantity(str(profile.resources.gpu))} if profile.resources.gpu else {}
    return k8s.ResourceRequirements(
        requests={
            "cpu": quantity(f"{cores:g}" if cores else DEFAULT_REQUESTS["cpu"]),
            "memory": held,
            **gpus,
        },
        # GPUs need a limit that equals the request.
        limits={"memory": held, **gpus},
    )
