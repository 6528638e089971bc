"""`slipway render`: an environment's Kubernetes objects as YAML, without AWS."""

from pathlib import Path
from typing import TYPE_CHECKING

from slipway import files
from slipway.model import Environment
from slipway.toolchain.node import use_pinned_node

if TYPE_CHECKING:
    from charts.rendering import Manifest


def render(environment: Environment, output: Path | None) -> list[dict[str, str]]:
    """Write `NN-<chart>.yaml` into `output`, if given, and list the objects.

    Each is `{"chart", "kind", "name", "namespace"}`; cluster-wide ones have an empty namespace.
    Raises ValueError for a local environment: it has no cluster.
    """
    charts = objects(environment)
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        for name, text in _files(charts).items():
            files.write(output / name, text)
    return [_summary(chart, item) for chart, items in charts.items() for item in items]


def yaml_text(environment: Environment) -> str:
    """Everything `render` writes, as one stream for `kubectl apply -f -`."""
    return "---\n".join(_files(objects(environment)).values())


def objects(environment: Environment) -> "dict[str, list[Manifest]]":
    """By chart, in the order in which charts are applied. Raises as `render`."""
    # Starts Node, and the one that is pinned: only the commands that render shall wait for it.
    use_pinned_node()
    from charts import aws_values, rendering

    return rendering.objects(environment, aws_values.placeholder_values(environment))


def _files(charts: "dict[str, list[Manifest]]") -> dict[str, str]:
    from cdk8s import Yaml

    return {
        f"{number:02}-{chart}.yaml": Yaml.stringify(*items)
        for number, (chart, items) in enumerate(charts.items(), start=1)
    }


def _summary(chart: str, item: "Manifest") -> dict[str, str]:
    metadata = item["metadata"]
    return {
        "chart": chart,
        "kind": item["kind"],
        "name": metadata["name"],
        "namespace": metadata.get("namespace", ""),
    }
