"""The charts of an environment, in the order in which they are applied."""

from typing import Any

import cdk8s

from charts.deployed_values import DeployedValues
from charts.hub import HubChart
from charts.platform import PlatformChart
from slipway.model import Environment

Manifest = dict[str, Any]

PLATFORM = "platform"
HUB = "hub"


def charts(environment: Environment, deployed: DeployedValues) -> dict[str, cdk8s.Chart]:
    """By name. Raises ValueError for a local environment: it has no cluster."""
    app = cdk8s.App()
    return {
        PLATFORM: PlatformChart(app, PLATFORM, environment=environment, deployed=deployed),
        HUB: HubChart(app, HUB, environment=environment, deployed=deployed),
    }


def objects(environment: Environment, deployed: DeployedValues) -> dict[str, list[Manifest]]:
    """The Kubernetes objects of each chart."""
    return {name: chart.to_json() for name, chart in charts(environment, deployed).items()}
