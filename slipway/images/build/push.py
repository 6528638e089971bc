"""What was built, into an environment's registry."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from slipway.facts import WORKING_TREE
from slipway.images.build.record import Record
from slipway.images.oci.layout import Layout
from slipway.images.oci.reference import Reference
from slipway.images.oci.registry import Registry
from slipway.images.oci.transfer import Pusher
from slipway.model import Environment

Told = Callable[[str, str], None]


@dataclass(frozen=True)
class Pushed:
    """Where an image is now, and what it took. `bytes` are those that were sent."""

    reference: str
    copied_blobs: int
    skipped_blobs: int
    bytes: int

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def push(
    store: Layout,
    records: Mapping[str, Record],
    images: Iterable[str],
    target: Environment,
    told: Told,
) -> dict[str, Pushed]:
    """Store the images under their content's tag, and let the working tree's tag follow.

    No tag is moved before everything of its image is there; what is there already is not sent
    again. Raises ImageError.
    """
    home = Reference.parse(f"{target.cluster_spec.registry}/any")
    pushed = {}
    with Registry(home, push=True) as registry:
        pusher = Pusher(store, registry)
        for image in images:
            record = records[image]
            told(image, "pushing")
            reference = Reference.parse(f"{target.cluster_spec.registry}/{image}:{record.tag}")
            done = pusher.push(record.descriptor, reference, (record.tag, WORKING_TREE))
            named = f"{reference.name}@{record.digest}"
            pushed[image] = Pushed(named, done.copied, done.skipped, done.bytes)
            told(image, "pushed")
    return pushed
