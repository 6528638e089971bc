"""The commands: a thin layer, each calls functions that a test can call too.

Heavy modules are imported inside the commands, so that `slipway check` is instant.
"""

from importlib import import_module

MODULES = ("project", "images", "releases", "promotion", "smoke", "aws")
"""In the order that `slipway --help` shows their commands in."""

for module in MODULES:
    import_module(f"{__name__}.{module}")
