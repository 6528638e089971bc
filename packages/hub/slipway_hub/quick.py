"""Start the hub without work that it never needs."""

import gc
import importlib
import sys
from types import ModuleType
from typing import Any


def import_jupyterhub() -> Any:
    """JupyterHub's main function, and what a hub in a pod imports next."""
    put_off_grammar()
    # Nothing that is imported is garbage: looking for some takes time.
    gc.disable()
    try:
        for name in ("slipway_hub.pods", "oauthenticator.generic"):
            importlib.import_module(name)
        return importlib.import_module("jupyterhub.app").main
    finally:
        gc.freeze()
        gc.enable()


def put_off_grammar(name: str = "rfc3987_syntax") -> None:
    """Compile the grammar of internationalized addresses when one is checked, not at each start.

    jsonschema imports this package for a format that no schema of JupyterHub's events has, and its
    import compiles the grammar: two of the seven seconds that a killed hub may take to come back.
    """
    stand_in = ModuleType(name)

    def is_valid_syntax(*arguments: Any, **options: Any) -> Any:
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]
        return importlib.import_module(name).is_valid_syntax(*arguments, **options)

    stand_in.is_valid_syntax = is_valid_syntax  # type: ignore[attr-defined]
    sys.modules.setdefault(name, stand_in)
