"""The command line, `slipway`."""

import contextlib
import os
import sys
from threading import Thread


def main() -> None:
    if sys.argv[1:2] == ["render"]:
        # Node takes as long to start as the model to be imported: let them do it side by side.
        Thread(target=_start_node, daemon=True).start()
    from slipway.cli.commands import run

    run()


def _start_node() -> None:
    from slipway.toolchain.node import node

    # What goes wrong here goes wrong again where it is needed, and is told there.
    with contextlib.suppress(Exception):
        os.environ.setdefault("JSII_NODE", str(node()))
        import cdk8s  # noqa: F401
