"""The command line, `slipway`."""

import gc
import sys


def main() -> None:
    # Nothing that is imported is garbage: looking for some costs a tenth of the time.
    gc.set_threshold(100_000)
    if sys.argv[1:2] in (["render"], ["diff"]):
        from slipway.toolchain import ahead

        ahead.load("cdk8s_plus_33")
    from slipway.cli.app import run

    run()
