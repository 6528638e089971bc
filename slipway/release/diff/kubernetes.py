"""An environment's Kubernetes objects, for comparing."""

from typing import Any

from slipway.model import Environment
from slipway.release.diff.changes import Objects

SECRET = "(secret)"  # noqa: S105 - what is shown in a secret's place


def objects(environment: Environment) -> Objects:
    """By chart, kind and `namespace/name`. Starts Node."""
    from charts import rendering
    from charts.aws_values import placeholder_values

    return {
        (chart, item["kind"], full_name(item)): without_secrets(item)
        for chart, items in rendering.objects(environment, placeholder_values(environment)).items()
        for item in items
    }


def full_name(item: dict[str, Any]) -> str:
    metadata = item["metadata"]
    return "/".join(filter(None, [metadata.get("namespace"), metadata["name"]]))


def without_secrets(item: dict[str, Any]) -> dict[str, Any]:
    """What a Secret holds is shown to nobody."""
    if item["kind"] != "Secret":
        return item
    hidden = {
        part: dict.fromkeys(item[part], SECRET) for part in ("data", "stringData") if part in item
    }
    return item | hidden
