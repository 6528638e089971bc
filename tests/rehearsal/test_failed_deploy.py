"""A first deploy that fails half-way, and the way out."""

from pathlib import Path

import pytest

from slipway.aws import cloudformation
from slipway.operate.teardown import teardown
from slipway.rehearse import environments, sandbox
from slipway.rehearse.rehearsal import rehearsal
from slipway.steps import StepError, Steps

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def test_a_teardown_clears_what_a_failed_first_deploy_left() -> None:
    """The rollback cannot take the cluster back: it is protected from deletion."""
    with sandbox.without_credentials(), rehearsal(ROOT, lambda line: None) as on:
        aws = on.first
        environments.bootstrap(on, aws)
        environments.publish(on, aws)
        on.cluster(aws).refused.add("NodePool")
        with pytest.raises(StepError, match="cdk deploy failed"):
            environments.deploy(on, aws)
        assert cloudformation.status(aws, "cluster") == "ROLLBACK_FAILED"
        assert cloudformation.status(aws, "hub") is None

        found = teardown(aws, Steps(lambda line: None))

        assert found.leftovers == []
        assert found.ok
        assert aws.client("eks").list_clusters()["clusters"] == []
        assert any(kept.startswith("homes") for kept in found.kept)
