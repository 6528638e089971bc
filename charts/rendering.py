"""The charts of an environment, in the order in which they are applied."""

from collections.abc import Iterable
from typing import Any

import cdk8s

from charts.aws_values import AwsValues
from charts.hub import HubChart
from charts.platform import PlatformChart
from slipway.model import Environment

Manifest = dict[str, Any]

PLATFORM = "platform"
HUB = "hub"

CHARTS: dict[str, type[PlatformChart] | type[HubChart]] = {PLATFORM: PlatformChart, HUB: HubChart}


def objects(
    environment: Environment, aws: AwsValues | None, only: Iterable[str] = CHARTS
) -> dict[str, list[Manifest]]:
    """The Kubernetes objects of each chart. Raises ValueError for a local environment: it has no
    cluster."""
    app = cdk8s.App()
    return {
        name: CHARTS[name](app, name, environment=environment, aws=aws).to_json() for name in only
    }


def chart_objects(name: str, environment: Environment, aws: AwsValues | None) -> list[Manifest]:
    return objects(environment, aws, [name])[name]
