"""Image references, as every container tool writes them."""

import re
from dataclasses import dataclass, replace
from typing import Self

from slipway.images.oci.descriptors import ImageError

DOCKER_HUB = "docker.io"
_LOCAL_HOST = re.compile(r"(localhost|[^:]+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?")
_REFERENCE = re.compile(
    r"(?P<name>[^@]+?)(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?"
    r"(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:[._]|__|-+|/)[a-z0-9]+)*")


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
        match = _REFERENCE.fullmatch(text)
        name, tag, digest = match.group("name", "tag", "digest") if match else ("", None, None)
        host, slash, repository = name.partition("/")
        if not slash or not ("." in host or ":" in host or host == "localhost"):
            host, repository = DOCKER_HUB, name
        if host == DOCKER_HUB and "/" not in repository:
            repository = f"library/{repository}"
        if not _REPOSITORY.fullmatch(repository):
            raise ImageError(
                f"{text!r} is not an image reference; write for example "
                "registry.example.org/team/notebook:1.0"
            )
        return cls(host, repository, tag or (None if digest else "latest"), digest)

    @property
    def name(self) -> str:
        return f"{self.host}/{self.repository}"

    @property
    def is_local(self) -> bool:
        """Whether the registry is on this machine: the only kind that may be without TLS."""
        return _LOCAL_HOST.fullmatch(self.host) is not None

    def at(self, digest: str) -> Self:
        """The image of the same repository with this digest."""
        return replace(self, tag=None, digest=digest)

    def tagged(self, tag: str) -> Self:
        """The image of the same repository that has this tag."""
        return replace(self, tag=tag, digest=None)

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.name}{tag}{digest}"
