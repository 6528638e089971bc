"""What was built, into an environment's registry."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict

from slipway.facts import WORKING_TREE
from slipway.images.build.record import BuildRecord
from slipway.images.oci.layout import Layout
from slipway.images.registry import transfer
from slipway.images.registry.reference import Reference
from slipway.images.registry.registry import Registry
from slipway.model import Environment


def push(
    store: Layout,
    records: Mapping[str, BuildRecord],
    images: Iterable[str],
    target: Environment,
    report: Callable[[str, str], None],
) -> dict[str, dict[str, object]]:
    """Store the images under their content's tag, and let the working tree's tag follow.

    No tag is moved before everything of its image is there; what is there already is not sent
    again. `report` gets an image's name and what happens to it. Returns by image, for JSON, where
    it is now and what was sent. Raises ImageError.
    """
    home, pushed = target.cluster_spec.registry, {}
    with Registry(Reference.parse(f"{home}/any")) as registry:
        for image in images:
            record = records[image]
            report(image, "pushing")
            tags = [Reference.parse(f"{home}/{image}:{tag}") for tag in (record.tag, WORKING_TREE)]
            done = transfer.push(store, record.descriptor, tags, registry)
            pushed[image] = {"reference": f"{home}/{image}@{record.digest}", **asdict(done)}
            report(image, "pushed")
    return pushed
