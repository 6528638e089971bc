"""The JSON Schema of each file, as editors and other tools want it."""

import ast
import inspect
from itertools import pairwise
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from slipway.model.base import Model
from slipway.model.catalog import Catalog
from slipway.model.environment import AnySpec
from slipway.model.release import PlatformVersions, Release

SCHEMAS: dict[str, Any] = {
    "catalog": Catalog,
    "environment": AnySpec,
    "platform": PlatformVersions,
    "release": Release,
}


def json_schema(file: str) -> dict[str, Any]:
    """The schema of one of `SCHEMAS`. Raises KeyError for another name."""
    schema = TypeAdapter(SCHEMAS[file]).json_schema(schema_generator=_WithDocstrings)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Slipway {file}",
        **schema,
    }


class _WithDocstrings(GenerateJsonSchema):
    """Describes each field by the docstring below it.

    Not `use_attribute_docstrings`: that parses every model's source whenever it is imported.
    """

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        described = super().model_schema(schema)
        for model in reversed(schema["cls"].__mro__):
            if issubclass(model, Model):
                for field, text in _docstrings(model).items():
                    if field in described["properties"]:
                        described["properties"][field]["description"] = text
        return described


def _docstrings(model: type[Model]) -> dict[str, str]:
    """What stands below each field that `model` itself declares."""
    (definition,) = ast.parse(inspect.getsource(model)).body
    assert isinstance(definition, ast.ClassDef)
    texts = {}
    for lines in pairwise(definition.body):
        match lines:
            case ast.AnnAssign(target=ast.Name(field)), ast.Expr(ast.Constant(str(text))):
                texts[field] = inspect.cleandoc(text)
    return texts
