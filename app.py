"""`cdk deploy 'dev/*'`: one stage per environment on AWS."""

import os
import sys
from pathlib import Path

import slipway.toolchain.node
from slipway.model import EksSpec, InvalidProject, Project, load

# Before aws_cdk is imported: it starts this Node.
os.environ.setdefault("JSII_NODE", str(slipway.toolchain.node.node()))
# CloudFormation checks templates itself; the library's own check makes synthesis four times slower.
os.environ.setdefault("CDK_VALIDATION", "false")


def synthesize(project: Project) -> None:
    from aws_cdk import App

    from stacks.environment_stage import EnvironmentStage

    app = App()
    for environment in project.environments():
        if isinstance(environment.spec, EksSpec):
            EnvironmentStage(app, environment=environment, spec=environment.spec)
    app.synth()


if __name__ == "__main__":
    try:
        synthesize(load(Path(__file__).parent))
    except InvalidProject as error:
        print(error, file=sys.stderr)
        sys.exit(2)
