"""Images built with buildah, until `slipway build` does it."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from slipway.model import load
from slipway.server_config import UserImagePaths, server_config, write_server_config

ROOT = Path(__file__).resolve().parents[2]
PATHS = UserImagePaths("/opt/jupyter/bin/python", "/opt/jupyter/share/slipway/icons")
PLAIN = ("lab", "classic")
CA = Path(os.environ.get("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt"))
PREFIX = "localhost/slipway"


class BuildError(Exception):
    pass


def context(name: str, folder: Path) -> Path:
    """The build context of an image, in `folder`."""
    shutil.copytree(
        ROOT / "images" / name, folder, ignore=shutil.ignore_patterns("__pycache__", "node_modules")
    )
    catalog = load(ROOT).catalog
    if name in ("notebook", *catalog.images):
        apps = (
            catalog.apps_of(name)
            if name in catalog.images
            else {app: catalog.apps[app] for app in PLAIN}
        )
        write_server_config(folder, server_config(apps, PATHS))
    if name == "code-server":
        (folder / "slipway").mkdir()
        shutil.copy(ROOT / "slipway/__init__.py", folder / "slipway")
        shutil.copytree(ROOT / "slipway/toolchain", folder / "slipway/toolchain")
    return folder


def build(
    name: str,
    folder: Path,
    arguments: Mapping[str, str],
    *options: str,
    secret: Path = CA,
    tag: str = "",
) -> str:
    """Build the context in `folder` and return the image's reference. Raises BuildError, with
    the end of what the builder said."""
    reference = tag or f"{PREFIX}/{name}"
    command = ["buildah", "build", "--isolation=chroot", "--timestamp=0", "--layers", *options]
    for key, value in arguments.items():
        command += ["--build-arg", f"{key}={value}"]
    if secret.exists():
        command += ["--secret", f"id=ca,src={secret}"]
    done = subprocess.run(
        [*command, "-t", reference, str(folder)],
        check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    if done.returncode:
        raise BuildError(done.stdout[-4000:])
    return reference


def digest(reference: str) -> str:
    """The digest of an image's configuration: of its layers' contents and how it is run."""
    command = ["buildah", "inspect", "--type=image", "--format={{.FromImageID}}", reference]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
