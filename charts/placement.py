"""On which nodes the chart's own pods run."""

from collections.abc import Mapping

from cdk8s_plus_33 import k8s

from slipway import facts
from slipway.model import ClusterSpec


def toleration(given: Mapping[str, str]) -> k8s.Toleration:
    return k8s.Toleration(
        key=given.get("key"),
        operator=given.get("operator"),
        value=given.get("value"),
        effect=given.get("effect"),
    )


def near_users(*also: str) -> k8s.Affinity:
    """Rather on nodes where users' servers are, or pods of `also`."""
    components = [facts.USER_SERVER, *also]
    there = k8s.LabelSelectorRequirement(
        key=facts.COMPONENT_LABEL, operator="In", values=components
    )
    return k8s.Affinity(
        pod_affinity=k8s.PodAffinity(
            preferred_during_scheduling_ignored_during_execution=[
                k8s.WeightedPodAffinityTerm(
                    weight=100,
                    pod_affinity_term=k8s.PodAffinityTerm(
                        topology_key="kubernetes.io/hostname",
                        label_selector=k8s.LabelSelector(match_expressions=[there]),
                    ),
                )
            ]
        )
    )


def pull_secrets(spec: ClusterSpec) -> list[k8s.LocalObjectReference] | None:
    secret = spec.image_pull_secret
    return [k8s.LocalObjectReference(name=secret)] if secret else None
