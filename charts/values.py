"""Quantities and ports as Kubernetes objects hold them. Cached: each costs a round trip to Node."""

from functools import cache

from cdk8s_plus_33 import k8s


@cache
def quantity(text: str) -> k8s.Quantity:
    """An amount of CPU, memory, storage or objects."""
    return k8s.Quantity.from_string(text)


@cache
def port(number: int) -> k8s.IntOrString:
    """As probes, Services and policies write it."""
    return k8s.IntOrString.from_number(number)
