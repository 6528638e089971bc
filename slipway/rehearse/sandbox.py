"""The folders and environment variables of a rehearsal: nothing in them reaches AWS.

Endpoint variables lead every AWS client to the emulator; it finds no credentials, profiles or
metadata service. A client that ignores them meets a proxy that does not answer, or for HTTPS the
gateway to the emulated registries (`gateway.py`), which leads nowhere else. Only loopback is
reached without a proxy.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from slipway.toolchain.node import node

CLOSED_PROXY = "http://127.0.0.1:9"
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
    https_proxy: str = CLOSED_PROXY
    ca: Path | None = None
    """Who signed for what that proxy leads to."""

    @property
    def project(self) -> Path:
        return self.folder / "project"

    @property
    def commands(self) -> Path:
        """Programs found before all others."""
        return self.folder / "commands"

    def environment(
        self, account: str = "000000000000", region: str = "us-east-1"
    ) -> dict[str, str]:
        """Variables for any program, acting in `account`; by default it has none. Nothing of this
        process's own gets in but the search path and what a terminal needs."""
        path = (str(self.commands), str(node().parent), os.environ.get("PATH", os.defpath))
        kept = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TERM") if name in os.environ}
        home, tmp = self.folder / "home", self.folder / "tmp"
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
            **dict.fromkeys(("HTTP_PROXY", "http_proxy"), CLOSED_PROXY),
            **dict.fromkeys(("HTTPS_PROXY", "https_proxy"), self.https_proxy),
            **dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost"),
            **({"SSL_CERT_FILE": str(self.ca)} if self.ca else {}),
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
