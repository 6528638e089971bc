"""The command line, `slipway`."""

import gc
import os
import sys


def main() -> None:
    # Nothing that is imported is garbage: looking for some costs a tenth of the time.
    gc.set_threshold(100_000)
    _load_ahead(sys.argv[1:2])
    from slipway.cli.app import run

    try:
        run()
    finally:
        # Not even at the end, where Python would look once more.
        gc.freeze()


def _load_ahead(command: list[str]) -> None:
    libraries = {"render": ["cdk8s_plus_33"]}
    libraries["diff"] = [*libraries["render"], "aws_cdk", "aws_cdk.lambda_layer_kubectl_v36"]
    for name in command:
        if name in libraries:
            from slipway.toolchain import ahead

            # A diff compares templates: whether CloudFormation takes them, `cdk deploy` says.
            os.environ.setdefault("CDK_VALIDATION", "false")
            ahead.load(*libraries[name])
