"""The catalog's entries for a migrated image, and writing them without touching anything else."""

import itertools
import re
from collections.abc import Callable, Collection
from io import StringIO
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from slipway import files
from slipway.facts import CATALOG_FILE, HUB_IMAGES
from slipway.images.migrate.editors import Editor
from slipway.model import InvalidProject
from slipway.model.catalog import HOME, Catalog
from slipway.model.document import parse
from slipway.model.edit import edited
from slipway.model.explain import problems
from slipway.model.references import HUB_PATHS, SERVER_PATHS, check_catalog

Entries = dict[str, dict[str, Any]]
"""`{"apps": {name: …}, "images": …, "profiles": …, "routes": …}`, only what is new."""

_LONGEST = 36
"""Letters of a name, with room for a number within the 40 that names have."""


def name_for(text: str) -> str:
    """A name of the catalog from an image's, a file's or a folder's."""
    last = re.split(r"[@]", text.rstrip("/"))[0].rpartition("/")[2]
    last = re.sub(r"(\.(tar|tgz|gz|zst))+$|:.*$", "", last).lower()
    return re.sub(r"[^a-z0-9]+", "-", last)[:_LONGEST].strip("-") or "migrated"


def unique(name: str, taken: Collection[str]) -> str:
    """`name`, or with the first number that makes it one of its own: `name-2`."""
    names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
    return next(name for name in names if name not in taken)


def image_name(wanted: str, catalog: Catalog) -> str:
    """`wanted`, unless an image or a profile has that name."""
    return unique(wanted, {*catalog.images, *catalog.profiles, *HUB_IMAGES, "jupyter"})


def entries(catalog: Catalog, name: str, editor: Editor, home: str, reference: str) -> Entries:
    """What the catalog needs for users to open the editor: an app it has already is used again."""
    apps: dict[str, Any] = {}
    lab = _app(catalog, apps, "lab", {"kind": "jupyterlab"})
    app = _app(catalog, apps, editor.app_name, editor.app())
    image: dict[str, Any] = {"apps": [lab, app], "reference": reference}
    if home != HOME:
        image["home"] = home
    profile = {"title": f"{editor.title} ({name})", "image": name, "app": app}
    route = unique(name, {*HUB_PATHS, *(path[1:] for path in catalog.routes)})
    return {
        "apps": apps,
        "images": {name: image},
        "profiles": {name: profile},
        "routes": {f"/{route}": {"profile": name, "app": app}},
    }


def _app(catalog: Catalog, new: dict[str, Any], wanted: str, fields: dict[str, Any]) -> str:
    """The name of an app with these fields: one that is there, or a new one in `new`."""
    for name, app in catalog.apps.items():
        if app.model_dump(exclude_defaults=True, mode="json") | {"kind": app.kind} == fields:
            return name
        if app.fixed_name and app.kind == fields["kind"]:
            return name
    name = unique(wanted, {*catalog.apps, *(SERVER_PATHS - {wanted})})
    new[name] = fields
    return name


def with_entries(catalog: Catalog, new: Entries) -> Catalog:
    """The catalog as it will be with the apps and images of `new`."""
    values = catalog.model_dump(exclude_unset=True, mode="python")
    for block in ("apps", "images"):
        values[block] = {**values[block], **new[block]}
    return Catalog.model_validate(values, strict=False)


def as_yaml(new: Entries) -> str:
    """To paste: every block with its new entries."""
    text, yaml = StringIO(), YAML()
    yaml.allow_unicode = False  # a terminal shows it, and names in it are the image's
    yaml.dump({block: _node(items) for block, items in new.items() if items}, text)
    return text.getvalue()


def with_digest(catalog: Catalog, digest: str) -> str | None:
    """The name of the image with this digest, if the catalog has it."""
    names = (n for n, i in catalog.images.items() if (i.reference or "").endswith(f"@{digest}"))
    return next(names, None)


def repoint(root: Path, image: str, reference: str) -> None:
    """Write into the catalog where an image is now. Raises InvalidProject and OSError."""
    _edit(root, lambda catalog: catalog["images"][image].update({"reference": reference}))


def write(root: Path, new: Entries) -> None:
    """Put the entries at the end of their blocks of the catalog; all else stays.

    Raises InvalidProject when the result would not be a catalog, and OSError; then nothing is
    written.
    """

    def change(catalog: CommentedMap) -> None:
        for block, items in new.items():
            if items:
                _append(catalog.setdefault(block, CommentedMap()), _node(items))

    _edit(root, change)


def _edit(root: Path, change: Callable[[CommentedMap], object]) -> None:
    file = root / CATALOG_FILE
    content = edited(file.read_bytes(), change)
    document = parse(content, CATALOG_FILE)
    try:
        catalog = TypeAdapter(Catalog).validate_python(document.data)
    except ValidationError as error:
        raise InvalidProject(problems(error, document, Catalog)) from None
    if findings := list(check_catalog(catalog)):
        raise InvalidProject(document.problem(f.path, f.message, f.hint) for f in findings)
    files.write(file, content)


def _append(block: CommentedMap, items: CommentedMap) -> None:
    """Comments and empty lines below the block's last line stay below it."""
    last = _last(block)
    below = last.ca.items.pop(next(reversed(last)), None) if last else None
    block.update(items)
    if below:
        last = _last(block)
        last.ca.items[next(reversed(last))] = below


def _last(mapping: CommentedMap) -> CommentedMap:
    """The mapping whose last item ends the block."""
    value = mapping[next(reversed(mapping))] if mapping else None
    if isinstance(value, CommentedMap) and value and not value.fa.flow_style():
        return _last(value)
    return mapping


def _node(value: Any) -> Any:
    """For ruamel.yaml: what has no collection in it is written in one line."""
    if not isinstance(value, dict | list | tuple):
        return value
    within = value.values() if isinstance(value, dict) else value
    flat = not any(isinstance(item, dict | list | tuple) for item in within)
    node: Any = CommentedSeq(map(_node, value))
    if isinstance(value, dict):
        node = CommentedMap({key: _node(item) for key, item in value.items()})
    if flat:
        node.fa.set_flow_style()
    return node
