"""A first deploy that fails half-way, and the way out."""

from pathlib import Path

import pytest

from slipway.aws import cloudformation
from slipway.operate.teardown import teardown
from slipway.rehearse import environments, sandbox
from slipway.rehearse.stage import stage
from slipway.steps import StepError, Steps

ROOT = Path(__file__).parents[2]


def test_a_teardown_clears_what_a_failed_first_deploy_left() -> None:
    """The rollback cannot take the cluster back: it is protected from deletion."""
    with sandbox.without_credentials(), stage(ROOT, lambda line: None) as on:
        place = on.first
        environments.bootstrap(on, place)
        environments.publish(on, place)
        on.cluster(place).refused.add("NodePool")
        with pytest.raises(StepError, match="cdk deploy failed"):
            environments.deploy(on, place)
        assert cloudformation.status(place, "cluster") == "ROLLBACK_FAILED"
        assert cloudformation.status(place, "hub") is None

        found = teardown(place, Steps(lambda line: None))

        assert found.leftovers == []
        assert found.ok
        assert place.client("eks").list_clusters()["clusters"] == []
        assert any(kept.startswith("homes") for kept in found.kept)
