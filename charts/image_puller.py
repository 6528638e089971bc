"""The image puller: pulls every profile's image to the nodes before a user needs it."""

from cdk8s_plus_33 import k8s
from constructs import Construct

from charts import resources
from charts.idle_pods import idle_container, idle_pod
from charts.priorities import PULLER
from slipway import facts
from slipway.model import Environment


class ImagePuller(Construct):
    """A DaemonSet for a node pool, with the images of the profiles that run there.

    Its containers keep running: an image that is in use is never removed from a full disk, and one
    that cannot be pulled does not hold up the others, as it would among init containers. Nothing
    waits for it, so no deploy hangs on an image.
    """

    def __init__(self, scope: Construct, id: str, *, environment: Environment, pool: str) -> None:
        super().__init__(scope, id)
        name = f"{facts.IMAGE_PULLER}-{pool}"
        labels = facts.component_labels(facts.IMAGE_PULLER)
        of_pool = {**labels, facts.IDLE_POD_POOL_LABEL: pool}
        k8s.KubeDaemonSet(
            self,
            "puller",
            metadata=k8s.ObjectMeta(name=name, labels=of_pool),
            spec=k8s.DaemonSetSpec(
                selector=k8s.LabelSelector(match_labels=of_pool),
                update_strategy=k8s.DaemonSetUpdateStrategy(
                    type="RollingUpdate",
                    rolling_update=k8s.RollingUpdateDaemonSet(
                        max_unavailable=k8s.IntOrString.from_string("100%")
                    ),
                ),
                revision_history_limit=3,
                template=k8s.PodTemplateSpec(
                    metadata=k8s.ObjectMeta(labels={**facts.COMMON_LABELS, **of_pool}),
                    spec=_pod(environment, pool),
                ),
            ),
        )


def images(environment: Environment, pool: str) -> dict[str, str]:
    """Names of the images that profiles of the pool run, by reference."""
    profiles = environment.catalog.profiles.values()
    used = [profile.image for profile in profiles if profile.nodes == pool]
    return {environment.image_reference(name): name for name in used}


def _pod(environment: Environment, pool: str) -> k8s.PodSpec:
    spec = environment.cluster_spec
    idle = resources.requirements(resources.IDLE)
    return idle_pod(
        spec,
        pool,
        priority=PULLER,
        before_ready=True,
        containers=[
            idle_container(name, image, environment.pull_policy(name), idle)
            for image, name in images(environment, pool).items()
        ],
    )
