"""Edits of a project's YAML files that keep comments, quotes, order, indentation and line ends."""

from codecs import BOM_UTF8
from collections.abc import Callable, Mapping
from io import StringIO

import yaml as pyyaml
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError
from ruamel.yaml.util import load_yaml_guess_indent

from slipway.model.document import check_limits
from slipway.model.problems import InvalidProject


def edited(content: bytes, change: Callable[[CommentedMap], object]) -> bytes:
    """`content` after `change` was made to its top-level mapping.

    Raises ValueError when it is no YAML mapping in UTF-8.
    """
    ending = b"\r\n" if b"\r\n" in content else b"\n"
    mark = BOM_UTF8 if content.startswith(BOM_UTF8) else b""
    text = content.removeprefix(mark).replace(b"\r\n", b"\n").decode()
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.explicit_start = text.startswith("---")
    yaml.width = 4096  # no line is wrapped
    try:
        check_limits(text, "the file")
        _, indent, dash = load_yaml_guess_indent(text)
        yaml.map_indent = indent or 2
        yaml.sequence_indent, yaml.sequence_dash_offset = indent or 2, dash or 0
        mapping = yaml.load(text)
    except (YAMLError, pyyaml.YAMLError, InvalidProject) as error:
        raise ValueError(str(error)) from error
    written = StringIO()
    if mapping is None:  # comments at most
        mapping = CommentedMap()
        written.write(f"{text.rstrip()}\n" if text.strip() else "")
    if not isinstance(mapping, CommentedMap):
        raise ValueError("the file holds no keys")
    change(mapping)
    yaml.dump(mapping, written)
    after = written.getvalue() if text.endswith("\n") else written.getvalue().rstrip("\n")
    return mark + after.encode().replace(b"\n", ending)


def set_items(mapping: CommentedMap, items: Mapping[str, str]) -> None:
    """Give `mapping` these items and no others. What is below its last item stays below."""
    below = mapping.ca.items.pop(next(reversed(mapping)), None) if mapping else None
    for key in [key for key in mapping if key not in items]:
        del mapping[key]
    mapping.update(items)
    if below and mapping:
        mapping.ca.items[next(reversed(mapping))] = below
