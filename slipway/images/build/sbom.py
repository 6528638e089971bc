"""What is in an image: a software bill of materials by syft, in the CycloneDX format.

https://github.com/anchore/syft
"""

import os
import subprocess
import sys
from pathlib import Path

from slipway.images.build.builders import BuildError
from slipway.images.oci.descriptors import Descriptor
from slipway.images.oci.layout import Layout

SYFT = Path(sys.executable).parent / "syft"


def write(store: Layout, image: Descriptor, folder: Path) -> dict[str, str]:
    """Write a file per platform into `folder`, once per digest; return their names by platform.

    Raises BuildError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return {name: _one(store, one, folder) for name, one in store.platforms(image).items()}


def _one(store: Layout, image: Descriptor, folder: Path) -> str:
    file = folder / f"{image.digest.removeprefix('sha256:')}.cdx.json"
    if not file.exists():
        with store.alone(image) as alone:  # syft reads the first image of a layout
            partial = alone / file.name
            _syft(f"oci-dir:{alone}", partial)
            partial.replace(file)
    return file.name


def _syft(source: str, file: Path) -> None:
    done = subprocess.run(
        [SYFT, "scan", "-q", source, f"--output=cyclonedx-json={file}"],
        env=os.environ | {"SYFT_CHECK_FOR_APP_UPDATE": "false"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BuildError(f"syft cannot read the image: {done.stderr.strip()}")
