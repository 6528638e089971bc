"""Image references, as every container tool writes them."""

import re
from dataclasses import dataclass
from typing import Self

from slipway.images.oci.descriptors import ImageError

DOCKER_HUB = "docker.io"
_LOCAL_HOST = re.compile(r"(localhost|[^:]+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?")
_REPOSITORY = re.compile(
    r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*"
)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Reference:
    """`host/repository:tag@digest`, with Docker Hub and `latest` where they are left out.

    https://github.com/distribution/reference
    """

    host: str
    repository: str
    tag: str | None = None
    digest: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ImageError when `text` is no reference."""
        rest, _, digest = text.partition("@")
        name, colon, tag = rest.rpartition(":")
        if not colon or "/" in tag:
            name, tag = rest, ""
        host, slash, repository = name.partition("/")
        if not slash or not ("." in host or ":" in host or host == "localhost"):
            host, repository = DOCKER_HUB, name
        if host == DOCKER_HUB and "/" not in repository:
            repository = f"library/{repository}"
        whole = [(repository, _REPOSITORY), (tag or "latest", _TAG)]
        whole += [(digest, _DIGEST)] if "@" in text else []
        if not all(pattern.fullmatch(part) for part, pattern in whole):
            raise ImageError(
                f"{text!r} is not an image reference; write for example "
                "registry.example.org/team/notebook:1.0"
            )
        return cls(host, repository, tag or (None if digest else "latest"), digest or None)

    @property
    def name(self) -> str:
        return f"{self.host}/{self.repository}"

    @property
    def is_local(self) -> bool:
        """Whether the registry is on this machine: the only kind that is spoken to without TLS."""
        return _LOCAL_HOST.fullmatch(self.host) is not None

    @property
    def api(self) -> str:
        """Where the registry answers: `https://host`."""
        host = "registry-1.docker.io" if self.host == DOCKER_HUB else self.host
        return f"{'http' if self.is_local else 'https'}://{host}"

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.name}{tag}{digest}"
