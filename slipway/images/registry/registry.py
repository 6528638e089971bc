"""A registry, with the login that this machine has for it."""

import json
import threading
from base64 import b64encode
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Self

from slipway.images.oci.descriptors import (
    INDEXES,
    MANIFESTS,
    Descriptor,
    ImageError,
    ImageNotFoundError,
    RegistryError,
    digest_of,
    media_type_of,
)
from slipway.images.registry import skopeo
from slipway.images.registry.credentials import Login, key_of, login
from slipway.images.registry.reference import Reference
from slipway.images.registry.referrers import Referrers
from slipway.untrusted import parse_json

if TYPE_CHECKING:
    import boto3


class Registry:
    """The images of one registry. A context manager: until its end the login is in a file."""

    def __init__(self, home: Reference, session: "boto3.Session | None" = None) -> None:
        """`home` is any image of the registry. `session` has the credentials for Amazon ECR."""
        self._home, self._session = home, session
        self._folder: TemporaryDirectory[str] | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._folder:
            self._folder.cleanup()
        if "_referrers" in self.__dict__:
            self._referrers.close()

    def options(self, side: str = "") -> list[str]:
        """For skopeo. `side` is `src-` or `dest-` for a copy. Raises ImageError."""
        with self._lock:
            options = [f"--{side}authfile={self._authfile}"] if self._authfile else []
        return options + ([f"--{side}tls-verify=false"] if self._home.is_local else [])

    def manifest(self, reference: Reference) -> tuple[Descriptor, bytes]:
        """The manifest or index that a tag or digest names, checked against the digest.

        Raises ImageError.
        """
        content = skopeo.run(["inspect", "--raw", *self.options(), _docker(reference)], reference)
        digest, kind = digest_of(content), media_type_of(content)
        if reference.digest not in (None, digest):
            raise ImageError(f"{reference}: the registry sent {digest} for {reference.digest}")
        if kind not in (*INDEXES, *MANIFESTS):
            raise ImageError(f"{reference} is of a kind that is not supported: {kind or 'unknown'}")
        return Descriptor(kind, digest, len(content)), content

    def digest(self, reference: Reference) -> str | None:
        """What the registry has under a tag or digest, or None. Raises ImageError."""
        try:
            return self.manifest(reference)[0].digest
        except ImageNotFoundError:
            return None

    def tags(self, reference: Reference) -> list[str]:
        """The tags of a repository; none when it is not there. Raises ImageError."""
        command = ["list-tags", *self.options(), f"docker://{reference.name}"]
        try:
            return [*map(str, parse_json(skopeo.run(command, reference))["Tags"])]
        except ImageNotFoundError:
            return []
        except (ValueError, KeyError, TypeError):
            raise RegistryError(f"{reference.name}: the list of tags is damaged") from None

    def check_uploads(self, image: Reference) -> None:
        """Before something is stored: see `Referrers`. Raises ImageError."""
        self.referrers.check_uploads(image)

    @property
    def referrers(self) -> Referrers:
        """What is attached to images. Raises ImageError."""
        with self._lock:
            return self._referrers

    @cached_property
    def _login(self) -> Login | None:
        return login(self._home.host, self._session)

    @cached_property
    def _referrers(self) -> Referrers:
        return Referrers(self._home, self._login)

    @cached_property
    def _authfile(self) -> Path | None:
        """For skopeo: a command line could be read by everybody on this machine."""
        if self._login is None:
            return None
        self._folder = TemporaryDirectory(prefix="slipway-login-")  # only its owner can enter it
        file = Path(self._folder.name, "auth.json")
        auth = b64encode(":".join(self._login).encode()).decode()
        file.touch(mode=0o600)
        file.write_text(json.dumps({"auths": {key_of(self._home.host): {"auth": auth}}}))
        return file


def _docker(reference: Reference) -> str:
    """skopeo takes a tag or a digest."""
    return f"docker://{reference.at(reference.digest) if reference.digest else reference}"
