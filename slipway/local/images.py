"""What stands for the catalog's images on a laptop: a Jupyter configuration folder for each."""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from slipway.installation import INSTALLATION, TOOLS
from slipway.model import Environment
from slipway.model.apps import ICONS, Requirement
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
    remedies: dict[str, str]
    """What to install, by the names of the catalog's apps that this machine cannot run."""


def prepare(environment: Environment, state: Path, path: str, progress: Progress) -> LocalImages:
    """Write the configuration of every image; `path` is the PATH its servers will have."""
    catalog = environment.catalog
    remedies = {
        name: app.requirement.remedy
        for name, app in catalog.apps.items()
        if app.requirement and not is_installed(app.requirement, path)
    }
    python_path = {}
    for image in catalog.images:
        apps = catalog.apps_of(image)
        write_server_config(
            state / "images" / image, server_config(apps, PATHS, missing=remedies.keys())
        )
        shutil.copytree(LAB_SETTINGS, state / "images" / image / "labconfig", dirs_exist_ok=True)
        if "rstudio" in apps and "rstudio" not in remedies:
            lock = INSTALLATION / "images/jupyter/rstudio.txt"
            python_path[image] = str(rsession_proxy.install(lock, TOOLS, progress))
    return LocalImages(state / "images", python_path, remedies)


def is_installed(requirement: Requirement, path: str) -> bool:
    """Whether the command is on `path` or at one of its usual places."""
    on_path = shutil.which(requirement.command, path=path) is not None
    return on_path or any(Path(place).exists() for place in requirement.places)
