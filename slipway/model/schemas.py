"""The JSON Schema of each file, as editors and other tools want it."""

from typing import Any

from pydantic import TypeAdapter

from slipway.model.catalog import Catalog
from slipway.model.environment import AnySpec
from slipway.model.release import Release

SCHEMAS: dict[str, Any] = {"catalog": Catalog, "environment": AnySpec, "release": Release}


def json_schema(file: str) -> dict[str, Any]:
    """The schema of `catalog`, `environment` or `release`. Raises KeyError for another name."""
    schema = TypeAdapter(SCHEMAS[file]).json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Slipway {file}",
        **schema,
    }
