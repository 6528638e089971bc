"""Node takes as long to start and to load a library as Python to import the rest: let them do it
side by side."""

import contextlib
import os
from importlib import import_module
from threading import Thread

from slipway.toolchain.node import node
from slipway.toolchain.unchecked import trust_types

_started: list[Thread] = []


def load(*packages: str) -> Thread:
    """Start Node, the pinned one, and import these jsii packages in a thread.

    Node answers one question at a time: join the thread before anything else asks it. What goes
    wrong here goes wrong again where the package is imported, and is told there.
    """
    with contextlib.suppress(Exception):
        os.environ.setdefault("JSII_NODE", str(node()))
        # Before the thread: it would have to share the interpreter until it gets to start Node.
        import jsii  # noqa: F401

        trust_types()
    thread = Thread(target=_import, args=packages, daemon=True)
    thread.start()
    _started.append(thread)
    return thread


def join() -> None:
    """Wait for all that was started, if anything was."""
    for thread in _started:
        thread.join()


def _import(*packages: str) -> None:
    with contextlib.suppress(Exception):
        for package in packages:
            import_module(package)
