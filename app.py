"""`cdk deploy 'dev/*'`: one stage per environment on AWS.

`-c env=dev` builds that one alone, and reads no other environment's file. An environment that is
pinned to a release is built by the release's own code only; `-c allow-code-drift=true` is the way
around that where it is not protected.
"""

import gc
import json
import os
import sys
from pathlib import Path

import slipway.toolchain.node
from slipway.model import EksSpec, Environment, InvalidProject, load
from slipway.releases.code import renderable

# Before aws_cdk is imported: it starts this Node.
os.environ.setdefault("JSII_NODE", str(slipway.toolchain.node.node()))
# CloudFormation checks templates itself; the library's own check makes synthesis four times slower.
os.environ.setdefault("CDK_VALIDATION", "false")


# A synthesis ends before any garbage is worth looking for, which takes a tenth of its time.
gc.disable()


def asked(key: str) -> str | None:
    """The value of `-c KEY=…`. As the CLI hands it over: asking an App would start Node."""
    context = json.loads(os.environ.get("CDK_CONTEXT_JSON", "{}"))
    return str(context.get(key) or "") or None


def synthesize(environments: list[Environment]) -> None:
    from aws_cdk import App

    from stacks.environment_stage import EnvironmentStage

    app = App()
    for environment in environments:
        if isinstance(environment.spec, EksSpec):
            EnvironmentStage(app, environment=environment, spec=environment.spec)
    app.synth()


if __name__ == "__main__":
    try:
        project = load(Path(__file__).parent, asked("env"))
        drift = asked("allow-code-drift") in ("true", "True")
        environments, told = renderable(project.root, project.environments(), allow_drift=drift)
        print(*told, sep="\n", end="\n" * bool(told), file=sys.stderr)
        synthesize(environments)
    except InvalidProject as error:
        print(error, file=sys.stderr)
        sys.exit(2)
