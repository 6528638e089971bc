"""The command line, `slipway`."""

import contextlib
import gc
import os
import sys
from threading import Thread


def main() -> None:
    # Nothing that is imported is garbage: looking for some costs a tenth of the time.
    gc.set_threshold(100_000)
    if sys.argv[1:2] == ["render"]:
        _start_node()
    from slipway.cli.app import run

    run()


def _start_node() -> None:
    """Node takes as long to start as the model to be imported: let them do it side by side.

    What goes wrong here goes wrong again where it is needed, and is told there.
    """
    from slipway.toolchain.node import node

    with contextlib.suppress(Exception):
        os.environ.setdefault("JSII_NODE", str(node()))
        # Before the thread: it would have to share the interpreter until it gets to start Node.
        import jsii  # noqa: F401

        Thread(target=_load_charts, daemon=True).start()


def _load_charts() -> None:
    with contextlib.suppress(Exception):
        import cdk8s_plus_33  # noqa: F401
