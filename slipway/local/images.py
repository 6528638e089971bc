"""What stands for the catalog's images on a laptop: a Jupyter configuration folder for each."""

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slipway.installation import INSTALLATION, TOOLS
from slipway.model import Environment
from slipway.model.apps import ICONS, App, Requirement
from slipway.settings.server import UserImagePaths, server_config, write_server_config
from slipway.toolchain import Progress, rsession_proxy

SKEL = INSTALLATION / "images/notebook/skel"
LAB_SETTINGS = INSTALLATION / "images/jupyter/labconfig"
"""JupyterLab's settings unless a user has changed them: an image has them too."""
PATHS = UserImagePaths(python=sys.executable, icons=str(ICONS))


@dataclass(frozen=True)
class LocalImages:
    config: Path
    """Holds a Jupyter configuration folder per image."""
    python_path: dict[str, str]
    """Additional Python packages per image."""
    missing: Mapping[str, App]
    """The catalog's apps that this machine cannot run, by name."""


def prepare(environment: Environment, state: Path, path: str, progress: Progress) -> LocalImages:
    """Write the configuration of every image; `path` is the PATH its servers will have."""
    catalog = environment.catalog
    missing = {
        name: app
        for name, app in catalog.apps.items()
        if app.requirement and not is_installed(app.requirement, path)
    }
    python_path = {}
    for image in catalog.images:
        apps = catalog.apps_of(image)
        write_server_config(
            state / "images" / image, server_config(apps, PATHS, missing=missing.keys())
        )
        shutil.copytree(LAB_SETTINGS, state / "images" / image / "labconfig", dirs_exist_ok=True)
        if "rstudio" in apps and "rstudio" not in missing:
            lock = INSTALLATION / "images/jupyter/rstudio.txt"
            python_path[image] = str(rsession_proxy.install(lock, TOOLS, progress))
    return LocalImages(state / "images", python_path, missing)


def is_installed(requirement: Requirement, path: str) -> bool:
    """Whether the command is on `path` or at one of its usual places."""
    on_path = shutil.which(requirement.command, path=path) is not None
    return on_path or any(Path(place).exists() for place in requirement.places)
