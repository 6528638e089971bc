"""Small parts of Kubernetes objects that several charts write."""

from functools import cache

from cdk8s_plus_33 import k8s

from slipway import facts


def component(name: str) -> dict[str, str]:
    """What selects a component's pods. It must never change: selectors are immutable."""
    return {facts.COMPONENT_LABEL: name}


@cache
def port(number: int) -> k8s.IntOrString:
    """As probes, Services and policies write it. Cached: each costs a round trip to jsii."""
    return k8s.IntOrString.from_number(number)


def priority(namespace: str, name: str) -> str:
    """A priority class belongs to the whole cluster: two environments must not share one."""
    return f"{namespace}-{name}"


HELD = "IfNotPresent"
"""For what an init container of the same image has pulled: all of a pod is one version, also when
one of its containers is restarted, and no restart waits for the registry."""
