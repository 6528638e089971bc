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

from slipway.toolchain import ahead

# Before aws_cdk is imported: CloudFormation checks templates itself, and the library's own check
# makes synthesis four times slower.
os.environ.setdefault("CDK_VALIDATION", "false")
# A synthesis ends before any garbage is worth looking for.
gc.disable()
loading = ahead.load("aws_cdk", "aws_cdk.lambda_layer_kubectl_v36", "cdk8s_plus_33")

from slipway.model import Environment, InvalidProject, load  # noqa: E402
from slipway.operate import before_deploy  # noqa: E402
from slipway.release.code import renderable  # noqa: E402


def asked(key: str) -> str | None:
    """The value of `-c KEY=…`. As the CLI hands it over: asking an App would start Node."""
    context = json.loads(os.environ.get("CDK_CONTEXT_JSON", "{}"))
    return str(context.get(key) or "") or None


def synthesize(environments: list[Environment]) -> None:
    # The largest modules, for which Python needs no answer of Node, which is still at it.
    from aws_cdk import aws_cloudwatch, aws_eks_v2  # noqa: F401

    loading.join()
    from aws_cdk import App

    from stacks.environment_stage import EnvironmentStage

    app = App()
    for environment in environments:
        if environment.spec.on_aws:
            EnvironmentStage(app, environment=environment, spec=environment.eks_spec)
    app.synth()


if __name__ == "__main__":
    try:
        project = load(Path(__file__).parent, asked("env"))
        drift = asked("allow-code-drift") in ("true", "True")
        environments, told = renderable(project.root, project.environments(), allow_drift=drift)
        print(*told, sep="\n", end="\n" * bool(told), file=sys.stderr)
        before_deploy.check(project.root, environments)
        synthesize(environments)
    except InvalidProject as error:
        print(error, file=sys.stderr)
        # What is half started leaves its temporary files.
        loading.join()
        sys.exit(2)
    # Not even at the end, where Python would look once more.
    gc.freeze()
