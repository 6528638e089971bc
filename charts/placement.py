"""On which nodes pods of the charts run, and with which pull secret."""

from collections.abc import Mapping

from cdk8s_plus_33 import k8s

from slipway import facts
from slipway.model import ClusterSpec


def toleration(fields: Mapping[str, str]) -> k8s.Toleration:
    return k8s.Toleration(
        key=fields.get("key"),
        operator=fields.get("operator"),
        value=fields.get("value"),
        effect=fields.get("effect"),
    )


def near_users(*also: str) -> k8s.Affinity:
    """Prefers nodes that run users' servers, or pods of the components `also`."""
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
