"""The versions of what users see in an image, from its bill of materials (CycloneDX)."""

import json
from pathlib import Path

NAMES = {
    "code-server": "code-server",
    "rstudio-server": "RStudio",
    "jupyterlab": "JupyterLab",
    "notebook": "Notebook",
    "jupyterhub": "JupyterHub",
    "streamlit": "Streamlit",
    "tensorboard": "TensorBoard",
    "r-cran-shiny": "Shiny",
    "r-base-core": "R",
    "configurable-http-proxy": "configurable-http-proxy",
}
"""Packages by their names in their registries, and what people call them."""


def programs(bill: Path) -> dict[str, str]:
    """Versions by name. Raises OSError and ValueError for what is no bill of materials."""
    content = json.loads(bill.read_bytes())
    if not isinstance(content, dict):
        raise ValueError(f"{bill} is not a bill of materials")
    return {
        NAMES[part["name"]]: str(part["version"])[:200]
        for part in content.get("components", [])
        if part.get("name") in NAMES and part.get("version")
    }
