"""Import Jupyter without the work that no server on a hub needs.

Every start on a cluster is a cold one: what Python does before Jupyter listens is what a user
waits for. Measured in `benchmarks/`; each function says what it saves.
"""

import gc
import importlib
import sys
from types import ModuleType
from typing import Any

JUPYTER = (
    "jupyter_server.serverapp",
    "jupyterlab.labapp",
    "notebook.app",
    "jupyterhub.singleuser.extension",
    "jupyter_server_proxy",
    "slipway_datapath.handlers",
)


def import_jupyter() -> None:
    """Import what the server consists of. What an image lacks is left to Jupyter to tell."""
    put_off_grammar()
    # Nothing that is imported is garbage: looking for some costs a fifth of the time.
    gc.disable()
    try:
        for name in JUPYTER:
            if name == "jupyterlab.labapp":
                forget_yarn()
            importlib.import_module(name)
    except ImportError:
        pass
    finally:
        gc.freeze()
        gc.enable()


def put_off_grammar(name: str = "rfc3987_syntax") -> None:
    """Compile the grammar of internationalized addresses when one is checked, not at each start.

    jsonschema imports this package for a format that Jupyter's own schemas do not have, and its
    import compiles the grammar: half of all the time that Python needs until Jupyter listens.
    """
    stand_in = ModuleType(name)

    def is_valid_syntax(*arguments: Any, **options: Any) -> Any:
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]
        return importlib.import_module(name).is_valid_syntax(*arguments, **options)

    stand_in.is_valid_syntax = is_valid_syntax  # type: ignore[attr-defined]
    sys.modules.setdefault(name, stand_in)


def forget_yarn() -> None:
    """JupyterLab asks yarn, in a process of its own, for the registry that it would build
    extensions from. It does so whenever there is a Node, as there is beside VS Code, and on a hub
    nobody builds into an image: half a second."""
    commands: Any = importlib.import_module("jupyterlab.commands")
    commands._yarn_config = lambda _: {"yarn config": {}, "npm config": {}}
