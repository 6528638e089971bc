"""Where a rehearsal happens: folders and an environment of its own, from which nothing leaves.

Every AWS client is led to the emulator by endpoint variables and knows no credential, no profile
and no metadata service. What ignores them meets a proxy that nobody answers; only loopback goes
past it.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from slipway.toolchain.node import node

NOBODY = "http://127.0.0.1:9"
REGION = "us-east-1"
"""The emulator's own; each environment names its own."""


NO_CREDENTIALS = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


@dataclass(frozen=True)
class Sandbox:
    """`folder` holds everything that a rehearsal writes."""

    folder: Path
    aws_url: str
    kubernetes_url: str

    @property
    def project(self) -> Path:
        return self.folder / "project"

    @property
    def commands(self) -> Path:
        """Programs found before all others."""
        return self.folder / "commands"

    def environment(self, account: str, region: str) -> dict[str, str]:
        """Variables for any program, acting in `account`. Nothing of this process's own gets in
        but the search path and what a terminal needs."""
        path = (str(self.commands), str(node().parent), os.environ.get("PATH", os.defpath))
        kept = {k: v for k, v in os.environ.items() if k in ("LANG", "LC_ALL", "TERM")}
        home = self.folder / "home"
        tmp = self.folder / "tmp"
        for folder in (home, tmp):
            folder.mkdir(parents=True, exist_ok=True)
        return {
            **kept,
            "PATH": os.pathsep.join(path),
            "HOME": str(home),
            "XDG_CACHE_HOME": str(home / ".cache"),
            "TMPDIR": str(tmp),
            "JSII_NODE": str(node()),
            "AWS_ENDPOINT_URL": self.aws_url,
            "AWS_ENDPOINT_URL_S3": self.aws_url,
            **NO_CREDENTIALS,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            # To the emulator, the id of a key is the account it belongs to.
            "AWS_ACCESS_KEY_ID": account,
            "AWS_SECRET_ACCESS_KEY": "rehearsal",
            **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), NOBODY),
            **dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost"),
            "CI": "true",
        }


@contextmanager
def without_credentials() -> Iterator[None]:
    """In this process: whoever asks boto3 for a session of its own gets one that may nothing."""
    held = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("AWS_")}
    os.environ.update(NO_CREDENTIALS)
    try:
        yield
    finally:
        for name in NO_CREDENTIALS:
            os.environ.pop(name, None)
        os.environ.update(held)


def copy_project(root: Path, target: Path) -> None:
    """What a deploy reads, so that a rehearsal can change it."""
    target.mkdir(parents=True)
    for name in ("app.py", "cdk.json", "catalog.yaml", "platform.yaml"):
        if (root / name).exists():
            shutil.copy(root / name, target)
    for name in ("environments", "releases"):
        if (root / name).is_dir():
            shutil.copytree(root / name, target / name)
