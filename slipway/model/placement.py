"""Whether an environment can run what a catalog asks of it."""

from collections.abc import Iterator, Mapping

from slipway.model.catalog import Catalog, Profile
from slipway.model.nodes import Capacity, NodePool
from slipway.model.problems import Finding, listed
from slipway.model.quantities import memory_bytes

GIB = 2**30


def check_placement(
    pools: Mapping[str, NodePool], catalog: Catalog, *, in_file: bool
) -> Iterator[Finding]:
    """Each profile that no node of its pool can hold, as a finding in the environment's file.

    `in_file`: whether the pools are written there, and not the default ones.
    """
    used = {profile.nodes for profile in catalog.profiles.values()}
    for name, nodes in pools.items():
        if nodes.placeholders and name not in used:
            message = "no profile runs on this pool, so there is nothing to keep a place for"
            hint = "take them away, or say `nodes` in a profile"
            yield Finding(("nodes", name, "placeholders"), message, hint)
    for name, profile in catalog.profiles.items():
        pool = pools.get(profile.nodes)
        if pool is None:
            path = ("nodes",) if in_file else ()
            message = f"the profile {name!r} runs on {profile.nodes!r}, which is no pool here"
            hint = f"add nodes.{profile.nodes} here; there is {listed(pools)}"
            yield Finding(path, message, hint, at_key=True)
            continue
        for excess in _excess(profile, pool.capacity()):
            message = f"the profile {name!r} asks for {excess}"
            hint = f"make the pool's nodes larger or profiles.{name}.resources smaller"
            yield Finding(("nodes", profile.nodes), message, hint, at_key=True)


def _excess(profile: Profile, node: Capacity) -> Iterator[str]:
    """What the profile is guaranteed beyond what the largest node of its pool has."""
    cpu, memory, gpus = profile.resources.cpu, profile.resources.memory, profile.resources.gpu
    # Kubernetes takes a limit for the guarantee where none is given.
    cores = cpu.guarantee or cpu.limit
    if cores and node.cpu is not None and cores > node.cpu:
        yield f"{cores:g} CPU cores for servers, its largest node has {node.cpu:.4g}"
    amount = memory.guarantee or memory.limit
    if amount and node.memory is not None and memory_bytes(amount) > node.memory:
        yield f"{amount} memory for servers, its largest node has {node.memory / GIB:.4g}Gi"
    if gpus > node.gpus:
        yield f"{gpus} GPUs, its largest node has {node.gpus}"
