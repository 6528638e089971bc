"""An environment's Kubernetes objects, for comparing."""

from typing import Any

from charts import rendering
from charts.deployed_values import before_deploy
from slipway.diff.changes import Things
from slipway.model import Environment, LocalSpec

SECRET = "(secret)"  # noqa: S105 - what is shown in a secret's place


def objects(environment: Environment | None) -> Things:
    """By chart, kind and `namespace/name`. What a Secret holds is not in it."""
    if environment is None or isinstance(environment.spec, LocalSpec):
        return {}
    found = {}
    for chart, items in rendering.objects(environment, before_deploy(environment)).items():
        for item in items:
            metadata = item["metadata"]
            name = "/".join(filter(None, [metadata.get("namespace"), metadata["name"]]))
            found[chart, item["kind"], name] = _without_secrets(item)
    return found


def _without_secrets(item: dict[str, Any]) -> dict[str, Any]:
    if item["kind"] != "Secret":
        return item
    hidden = {
        part: dict.fromkeys(item[part], SECRET) for part in ("data", "stringData") if part in item
    }
    return item | hidden
