"""The command line, `slipway`."""

import gc
import os
import sys


def main() -> None:
    # Nothing that is imported is garbage: looking for some costs a tenth of the time.
    gc.set_threshold(100_000)
    if sys.argv[1:2] in (["render"], ["diff"]):
        from slipway.toolchain import ahead

        # A diff compares templates: that CloudFormation takes them is for `cdk deploy` to say.
        os.environ.setdefault("CDK_VALIDATION", "false")
        ahead.load("cdk8s_plus_33")
    from slipway.cli.app import run

    run()
