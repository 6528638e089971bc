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
            yield Finding(
                ("nodes", name, "placeholders"),
                "no profile runs on this pool, so there is nothing to keep a place for",
                "take them away, or say `nodes` in a profile",
            )
    for name, profile in catalog.profiles.items():
        if pool := pools.get(profile.nodes):
            for needed, available, what in _excess(profile, pool.capacity()):
                yield Finding(
                    ("nodes", profile.nodes),
                    f"the profile {name!r} asks for {needed} {what}, "
                    f"its largest node has {available}",
                    f"make the pool's nodes larger or profiles.{name}.resources smaller",
                    True,
                )
        else:
            yield Finding(
                ("nodes",) if in_file else (),
                f"the profile {name!r} runs on {profile.nodes!r}, which is no pool here",
                f"add nodes.{profile.nodes} here; there is {listed(pools)}",
                True,
            )


def _excess(profile: Profile, node: Capacity) -> Iterator[tuple[str, str, str]]:
    """What the profile is guaranteed beyond what a node has: needed, available, of what."""
    cpu, memory = profile.resources.cpu, profile.resources.memory
    # Kubernetes takes a limit for the guarantee where none is given.
    cores = cpu.guarantee or cpu.limit
    if cores and node.cpu is not None and cores > node.cpu:
        yield f"{cores:g}", f"{node.cpu:.4g}", "CPU cores for servers"
    amount = memory.guarantee or memory.limit
    if amount and node.memory is not None and memory_bytes(amount) > node.memory:
        yield amount, f"{node.memory / GIB:.4g}Gi", "memory for servers"
    if profile.resources.gpu > node.gpus:
        yield str(profile.resources.gpu), str(node.gpus), "GPUs"
