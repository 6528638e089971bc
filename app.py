"""`cdk deploy 'dev/*' -c env=dev`: one stage of stacks for each environment on AWS."""

from pathlib import Path

from aws_cdk import App

from slipway.release.deploy import environments_to_deploy
from stacks.constructs.account_checks import check_account
from stacks.environment_stage import EnvironmentStage

root = Path(__file__).parent
app = App(builtin_cloud_formation_validation=False)  # slow: docs/decisions/0008-feature-flags.md
only = app.node.try_get_context("env")
drift = app.node.try_get_context("allow-code-drift")
for environment in environments_to_deploy(root, only=only, allow_code_drift=drift):
    stage = EnvironmentStage(app, environment.name, environment=environment)
    check_account(stage, environment, root)
app.synth()
