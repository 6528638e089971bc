"""pydantic's errors as positioned problems, in words that say what to write instead."""

import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from slipway.model.document import Document
from slipway.model.problems import Path, Problem, did_you_mean

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "dict_type": "a block of keys",
    "model_type": "a block of keys",
    "model_attributes_type": "a block of keys",
    "tuple_type": "a list",
    "is_instance_of": "a block of keys",
}
DISCRIMINATORS = ("kind", "target")
"""The keys that choose between the models of a union."""

_WORDS = {
    "slipway": ("{message}", "{hint}"),
    "missing": ("is missing", "add `{key}: …`"),
    "literal_error": ("cannot be {shown}", "write {expected}"),
    "union_tag_invalid": ("has no {discriminator}", "add `{discriminator}: …`"),
    "union_tag_not_found": ("has no {discriminator}", "add `{discriminator}: …`"),
    "greater_than_equal": ("{shown} is out of range", "write at least {ge}"),
    "less_than_equal": ("{shown} is out of range", "write at most {le}"),
    "too_short": ("has too few entries", "write at least {min_length}"),
    "too_long": ("has too many entries", "write at most {max_length}"),
    "string_too_short": ("is empty", "write a short text"),
    "string_too_long": ("is too long", "write a short text"),
    "string_pattern_mismatch": ("{shown} has the wrong form", "it must match {pattern}"),
}
"""Message and remedy by pydantic's type of error, to be filled in with its context."""


def problems(error: ValidationError, document: Document, model: Any) -> Iterator[Problem]:
    """Every error of `error`, with its place in `document` and a remedy.

    `model` is the type that was validated; it gives the keys a misspelt one is compared with.
    """
    for item in error.errors(include_url=False):
        path, at_key = _path_in(document.data, item["loc"])
        if at := item.get("ctx", {}).get("at"):
            path = (*path, at)
        at_key = at_key or item["type"] == "extra_forbidden"
        message, hint = _words(dict(item), path, document, model)
        yield document.problem(path, message, hint, at_key=at_key)


def _path_in(data: Any, location: tuple[int | str, ...]) -> tuple[Path, bool]:
    """pydantic's location without the names of union members, and whether it means the key."""
    if location and location[-1] == "[key]":
        return _path_in(data, location[:-1])[0], True
    path: Path = ()
    at_member = False
    for index, part in enumerate(location):
        if not at_member and _is_discriminator(part, data):
            at_member = True
        elif _holds(data, part):
            path, data, at_member = (*path, part), data[part], False
        elif index == len(location) - 1 and isinstance(data, Mapping):
            path = (*path, part)  # a key that is missing
    return path, False


def _holds(data: Any, part: int | str) -> bool:
    if isinstance(data, tuple):
        return isinstance(part, int) and part < len(data)
    return isinstance(data, Mapping) and part in data


def _is_discriminator(part: int | str, data: Any) -> bool:
    return isinstance(data, Mapping) and part in [data.get(key) for key in DISCRIMINATORS]


def _words(item: dict[str, Any], path: Path, document: Document, model: Any) -> tuple[str, str]:
    kind, value, context = item["type"], item["input"], dict(item.get("ctx", {}))
    if kind in _EXPECTED:
        return _wrong_kind(_EXPECTED[kind], value, document.source.get(path))
    if kind == "extra_forbidden":
        known = fields_at(model, path[:-1], document.data) - set(_at(document.data, path[:-1]))
        return "is not a known key", did_you_mean(str(path[-1]), known)
    if "discriminator" in context:
        context["discriminator"] = context["discriminator"].strip("'")
    if kind == "union_tag_invalid" and context["tag"] != "None":
        tags = [tag.strip(" '") for tag in context["expected_tags"].split(",")]
        message = f"has an unknown {context['discriminator']} {context['tag']!r}"
        return message, did_you_mean(context["tag"], tags)
    if kind == "literal_error":
        context["expected"] = context["expected"].replace("False", "false")
    if kind not in _WORDS:
        return str(item["msg"]).lower(), "see docs/reference.md"
    context |= {"key": path[-1] if path else "", "shown": _shown(value)}
    message, hint = _WORDS[kind]
    return message.format(**context), hint.format(**context)


def _wrong_kind(expected: str, value: Any, source: str | None) -> tuple[str, str]:
    message = f"must be {expected}, not {_shown(value)}"
    if expected == "text" and isinstance(value, (int, float)) and source:
        return message, f'write it in quotes: "{source}"'
    if expected == "a list" and isinstance(value, (str, int, float)):
        return message, f"write [{source}]" if " " not in str(source) else "write it as [part, …]"
    if value is None:
        return f"must be {expected}, but nothing is written", "write it, or remove the key"
    return message, f"write {expected}"


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a block of keys"
    if isinstance(value, tuple):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "nothing"
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "…'"


def _at(data: Any, path: Path) -> Any:
    for part in path:
        data = data[part]
    return data


def fields_at(model: Any, path: Path, data: Any) -> set[str]:
    """The keys a model allows at `path`, following the discriminators that `data` holds."""
    model = _chosen(model, data)
    if not path:
        fields = isinstance(model, type) and issubclass(model, BaseModel)
        return set(model.model_fields) if fields else set()
    part, rest = path[0], path[1:]
    below = data[part]
    if isinstance(model, type) and issubclass(model, BaseModel):
        field = model.model_fields.get(str(part))
        return fields_at(field.annotation, rest, below) if field else set()
    arguments = typing.get_args(model)
    origin = typing.get_origin(model)
    if origin is dict:
        return fields_at(arguments[1], rest, below)
    return fields_at(arguments[0], rest, below) if origin is tuple else set()


def _chosen(model: Any, data: Any) -> Any:
    """The member of an annotated or union type that `data` is meant for."""
    while typing.get_origin(model) is typing.Annotated:
        model = typing.get_args(model)[0]
    if typing.get_origin(model) not in (typing.Union, types.UnionType):
        return model
    members = [m for m in typing.get_args(model) if m is not type(None)]
    for member in members:
        if isinstance(member, type) and issubclass(member, BaseModel):
            for tag in DISCRIMINATORS:
                field = member.model_fields.get(tag)
                allowed = typing.get_args(field.annotation) if field else ()
                if isinstance(data, Mapping) and data.get(tag) in allowed:
                    return member
    return _chosen(members[0], data)
