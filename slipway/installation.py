"""Where Slipway itself is; a project that uses it may be elsewhere."""

from pathlib import Path

from slipway import facts

INSTALLATION = Path(__file__).resolve().parents[1]
"""The folder with the locks, what they install, and Slipway's own images."""

STORE = ".slipway/oci"
"""Below a project: the images that were built or migrated, in an OCI layout."""

TOOLS = INSTALLATION / facts.STATE_FOLDER / "tools"
"""What is installed once for all projects: code-server, jupyter-rsession-proxy."""
