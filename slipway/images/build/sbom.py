"""What is in an image: a software bill of materials by syft, in the CycloneDX format.

https://github.com/anchore/syft
"""

import sys
from pathlib import Path

from slipway.images.build.builders.base import BuildError, output_of
from slipway.images.oci.descriptors import Descriptor
from slipway.images.oci.layout import Layout

SYFT = Path(sys.executable).parent / "syft"


def write(store: Layout, image: Descriptor, folder: Path) -> dict[str, str]:
    """Write a file per platform into `folder`, once per digest; return their names by platform.

    Raises BuildError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    images = store.platforms(image)
    return {platform: _bill(store, image, folder) for platform, image in images.items()}


def _bill(store: Layout, image: Descriptor, folder: Path) -> str:
    file = folder / f"{image.digest.removeprefix('sha256:')}.cdx.json"
    if not file.exists():
        with store.alone(image) as alone:  # syft reads the first image of a layout
            partial = alone / file.name
            command = ["env", "SYFT_CHECK_FOR_APP_UPDATE=false", str(SYFT), "scan", "-q"]
            try:
                output_of([*command, f"oci-dir:{alone}", f"--output=cyclonedx-json={partial}"])
            except BuildError as error:
                raise BuildError(f"syft cannot read the image: {error}") from None
            partial.replace(file)
    return file.name
