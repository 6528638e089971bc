"""The catalog's entries for a migrated image, and writing them without touching anything else."""

import itertools
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from slipway.facts import CATALOG_FILE, HUB_IMAGES
from slipway.images.migrate.editors import Editor
from slipway.model import InvalidProject
from slipway.model.catalog import HOME, Catalog
from slipway.model.document import parse
from slipway.model.explain import problems
from slipway.model.problems import Problem
from slipway.model.references import HUB_PATHS, SERVER_PATHS, check_catalog

Entries = dict[str, dict[str, Any]]
"""`{"apps": {name: …}, "images": …, "profiles": …, "routes": …}`, only what is new."""

_LONGEST = 36
"""Letters of a name, with room for a number within the 40 that names have."""
_LAB = "lab"
_CODE = "code"


def name_for(text: str) -> str:
    """A name of the catalog from an image's, a file's or a folder's."""
    last = re.split(r"[@]", text.rstrip("/"))[0].rpartition("/")[2]
    last = re.sub(r"(\.(tar|tgz|gz|zst))+$|:.*$", "", last).lower()
    return re.sub(r"[^a-z0-9]+", "-", last)[:_LONGEST].strip("-") or "migrated"


def unique(name: str, taken: Collection[str]) -> str:
    """`name`, or with the first number that makes it one of its own: `name-2`."""
    if name not in taken:
        return name
    return next(n for i in itertools.count(2) if (n := f"{name}-{i}") not in taken)


def image_name(wanted: str, catalog: Catalog) -> str:
    return unique(wanted, {*catalog.images, *catalog.profiles, *HUB_IMAGES, "jupyter"})


def entries(catalog: Catalog, name: str, editor: Editor, home: str, reference: str) -> Entries:
    """What the catalog needs for users to open the editor: an app it has already is used again."""
    apps: dict[str, Any] = {}
    lab = _app(catalog, apps, _LAB, {"kind": "jupyterlab"})
    wanted = _CODE if editor.kind == "code-server" else editor.kind
    app = _app(catalog, apps, wanted, dict(editor.app()))
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


def as_yaml(new: Entries) -> str:
    """To paste: every block with its new entries."""
    return "".join(f"{block}:\n{_lines(items, '  ')}" for block, items in new.items() if items)


def with_digest(catalog: Catalog, digest: str) -> str | None:
    """The image that is this one already."""
    found = (n for n, i in catalog.images.items() if (i.reference or "").endswith(f"@{digest}"))
    return next(found, None)


def repoint(root: Path, old: str, new: str) -> None:
    """Say where an image is now. `old` has its digest, so nothing else is meant by it."""
    _replace(root, (root / CATALOG_FILE).read_text().replace(old, new))


def write(root: Path, new: Entries) -> None:
    """Put the entries at the end of their blocks of the catalog; every other byte stays.

    Raises InvalidProject when the result would not be a catalog; then nothing is written.
    """
    text = (root / CATALOG_FILE).read_text()
    for block, items in new.items():
        if items:
            text = _inserted(text, block, items)
    _replace(root, text)


def _replace(root: Path, text: str) -> None:
    _check(text)
    file = root / CATALOG_FILE
    partial = file.with_name(f".{file.name}.partial")
    partial.write_text(text)
    partial.replace(file)


def _inserted(text: str, block: str, items: Mapping[str, Any]) -> str:
    top = yaml.compose(text, Loader=yaml.SafeLoader)
    assert top is not None  # it has been loaded as a catalog before
    value = next((v for k, v in top.value if k.value == block), None)
    lines = text.splitlines(keepends=True)
    if value is None:
        end = "" if text.endswith("\n") else "\n"
        return f"{text}{end}\n{block}:\n{_lines(items, '  ')}"
    if not isinstance(value, yaml.MappingNode) or value.flow_style or not value.value:
        raise InvalidProject(
            [
                Problem(
                    CATALOG_FILE,
                    value.start_mark.line + 1,
                    value.start_mark.column + 1,
                    block,
                    "is not written with an entry per line",
                    "write it so, or paste the new entries yourself",
                )
            ]
        )
    at = value.end_mark.line
    # Comments and empty lines before the next block belong to that.
    while at and (not (line := lines[at - 1].strip()) or line.startswith("#")):
        at -= 1
    if at and not lines[at - 1].endswith("\n"):
        lines[at - 1] += "\n"
    indent = " " * value.value[0][0].start_mark.column
    return "".join([*lines[:at], _lines(items, indent), *lines[at:]])


def _lines(items: Mapping[str, Any], indent: str) -> str:
    text = yaml.safe_dump(
        dict(items), default_flow_style=None, sort_keys=False, width=10_000, allow_unicode=True
    )
    return "".join(f"{indent}{line}\n" for line in text.splitlines())


def _check(text: str) -> None:
    document = parse(text.encode(), CATALOG_FILE)
    try:
        catalog = TypeAdapter(Catalog).validate_python(document.data)
    except ValidationError as error:
        raise InvalidProject(problems(error, document, Catalog)) from None
    if found := list(check_catalog(catalog)):
        raise InvalidProject(document.problem(f.path, f.message, f.hint) for f in found)
