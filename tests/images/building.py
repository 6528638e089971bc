"""Images built with buildah, until `slipway build` does it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from slipway.model import load
from slipway.server_config import UserImagePaths, server_config, write_server_config

ROOT = Path(__file__).resolve().parents[2]
PATHS = UserImagePaths("/opt/jupyter/bin/python", "/opt/jupyter/share/slipway/icons")
PLAIN = ("lab", "classic")
CA = Path(os.environ.get("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt"))
PREFIX = "localhost/slipway"


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
    name: str, folder: Path, arguments: Mapping[str, str], *options: str, tag: str = ""
) -> str:
    """Build the context in `folder` and return the image's reference. Raises CalledProcessError."""
    reference = tag or f"{PREFIX}/{name}"
    command = ["buildah", "build", "--isolation=chroot", "--timestamp=0", "--layers", *options]
    for key, value in arguments.items():
        command += ["--build-arg", f"{key}={value}"]
    if CA.exists():
        command += ["--secret", f"id=ca,src={CA}"]
    subprocess.run(
        [*command, "-t", reference, str(folder)], check=True, stdout=sys.stderr, text=True
    )
    return reference


def layers(reference: str) -> list[str]:
    """Digests of the image's uncompressed layers, the base's first."""
    command = ["buildah", "inspect", "--type=image", reference]
    told = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return list(told["OCIv1"]["rootfs"]["diff_ids"])
