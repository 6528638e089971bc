"""Whether what was built last is what would be built now, without a builder."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from slipway.images.build.context import assemble, content_tag, facts
from slipway.images.build.recipes import BASE, Recipe
from slipway.images.build.record import BuildRecord


def is_current(recipe: Recipe, records: Mapping[str, BuildRecord], epoch: int) -> bool:
    """Whether the record of an image is that of its files as they are, on its parents' records.

    An outside image stays the one it was built on: whether its tag has moved is not asked.
    """
    record = records[recipe.name]
    wanted = {**record.arguments, **recipe.arguments}
    outside = replace(recipe, arguments=wanted).base
    if wanted != record.arguments or (outside is None) != (record.base is None):
        return False
    base = {BASE: record.base} if record.base else {}
    parents = {parent: records[parent].digest for parent in recipe.parents}
    what = facts({**wanted, **base}, parents, record.platforms, epoch)
    with TemporaryDirectory(prefix="slipway-current-") as folder:
        assemble(recipe, Path(folder, "context"))
        return content_tag(Path(folder, "context"), what) == record.tag
