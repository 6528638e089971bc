"""A registry, spoken to as the distribution specification says.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

import contextlib
import re
import ssl
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Self
from urllib.parse import urlencode

import httpx

from slipway.images.oci.credentials import Login, login
from slipway.images.oci.descriptors import (
    INDEX,
    INDEXES,
    MANIFESTS,
    Descriptor,
    ImageError,
    digest_of,
)
from slipway.images.oci.layout import READ_LIMIT
from slipway.images.oci.reference import Reference

ATTEMPTS = 5
"""For what may go well the next time: a lost connection, 429, 5xx."""
CHUNK = 1 << 20
_BUSY = frozenset([408, 425, 429, 500, 502, 503, 504])
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')

Open = Callable[[], Iterable[bytes]]
"""Opens a blob's content anew: an upload that broke is begun again."""


class Registry:
    """Sends requests with what a registry wants to know of us, again where that may help."""

    def __init__(
        self,
        host: Reference,
        *,
        push: bool = False,
        logins: Callable[[str], Login | None] = login,
    ) -> None:
        self._host, self._logins = host.host, logins
        self._actions = "pull,push" if push else "pull"
        self._authorizations: dict[str, str] = {}
        """The header that authorizes us, by repository."""
        self._lists_referrers = True
        self._http = httpx.Client(
            base_url=host.api,
            verify=ssl.create_default_context(),
            timeout=httpx.Timeout(60, pool=None),
            follow_redirects=True,  # httpx keeps the authorization from other hosts
            headers={"User-Agent": "slipway"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def manifest(self, reference: Reference) -> tuple[Descriptor, bytes]:
        """The manifest or index that a tag or digest names, checked against the digest.

        Raises ImageError.
        """
        named = reference.digest or reference.tag
        accept = {"Accept": ", ".join((*INDEXES, *MANIFESTS))}
        answer = self._send("GET", reference, f"manifests/{named}", headers=accept)
        content, digest = answer.content, digest_of(answer.content)
        if len(content) > READ_LIMIT:
            raise ImageError(f"{reference}: the manifest is larger than {READ_LIMIT:,} bytes")
        promised = reference.digest or answer.headers.get("Docker-Content-Digest", digest)
        if digest != promised:
            raise ImageError(f"{reference}: the registry sent {digest} for {promised}")
        kind = answer.headers.get("Content-Type", "").partition(";")[0]
        if kind not in (*INDEXES, *MANIFESTS):
            raise ImageError(f"{reference} is of a kind that is not supported: {kind or 'unknown'}")
        return Descriptor(kind, digest, len(content)), content

    def digest(self, reference: Reference) -> str | None:
        """What the registry has under a tag, or None. Raises ImageError."""
        try:
            return self.manifest(reference)[0].digest
        except NotThere:
            return None

    def has_manifest(self, reference: Reference, digest: str) -> bool:
        """Whether a manifest is in the repository, tagged or not. Raises ImageError."""
        accept = {"Accept": ", ".join((*INDEXES, *MANIFESTS))}
        try:
            self._send("HEAD", reference, f"manifests/{digest}", headers=accept)
        except NotThere:
            return False
        return True

    def referrers(self, reference: Reference, digest: str) -> list[Any]:
        """Descriptors, as JSON, of what is attached to a manifest: SBOMs, signatures.

        A registry without the API keeps them under a tag that is made of the digest:
        https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers
        Raises ImageError.
        """
        paths = [f"manifests/{referrers_tag(digest)}"]
        if self._lists_referrers:
            paths.insert(0, f"referrers/{digest}")
        for path in paths:
            with contextlib.suppress(NotThere):
                answer = self._send("GET", reference, path, headers={"Accept": INDEX})
                try:
                    return list(answer.json()["manifests"])
                except (ValueError, KeyError, TypeError):
                    raise ImageError(f"{reference}: {path} is no index") from None
            self._lists_referrers = False
        return []

    def has_blob(self, reference: Reference, descriptor: Descriptor) -> bool:
        try:
            self._send("HEAD", reference, f"blobs/{descriptor.digest}")
        except NotThere:
            return False
        return True

    def blob(self, reference: Reference, descriptor: Descriptor) -> Iterator[bytes]:
        """The content of a blob, taken up where a broken connection left it.

        It is not checked here: who keeps it checks it. Raises ImageError.
        """
        received, path = 0, f"blobs/{descriptor.digest}"
        for attempt in range(ATTEMPTS):
            headers = {"Range": f"bytes={received}-"} if received else {}
            with contextlib.suppress(httpx.TransportError):
                answer = self._send("GET", reference, path, headers=headers, stream=True)
                with contextlib.closing(answer):
                    again = received if answer.status_code == 200 else 0
                    for chunk in answer.iter_raw(CHUNK):
                        new = chunk[again:]
                        again -= min(again, len(chunk))
                        received += len(new)
                        if new:
                            yield new
            if received >= descriptor.size:
                return
            _pause(attempt)
        raise RegistryError(
            f"{reference}: {descriptor.digest} ended after {received:,} of "
            f"{descriptor.size:,} bytes"
        )

    def upload(
        self, reference: Reference, descriptor: Descriptor, content: Open, mount: str | None = None
    ) -> bool:
        """Store a blob. False if it was mounted from the repository `mount` of this registry.

        Raises ImageError.
        """
        for attempt in range(ATTEMPTS):
            start = f"blobs/uploads/?{urlencode({'mount': descriptor.digest, 'from': mount})}"
            begun = self._send("POST", reference, start if mount else "blobs/uploads/")
            if begun.status_code == 201:
                return False
            try:
                sent = self._put(begun.headers["Location"], reference, descriptor, content)
            except (httpx.TransportError, Busy) as error:
                problem: object = error
            else:
                stored = sent.headers.get("Docker-Content-Digest", descriptor.digest)
                if stored != descriptor.digest:
                    raise RegistryError(f"{reference}: {descriptor.digest} was stored as {stored}")
                return True
            _pause(attempt)
        raise RegistryError(f"{reference}: {descriptor.digest} cannot be stored: {problem}")

    def put_manifest(self, reference: Reference, descriptor: Descriptor, content: bytes) -> None:
        """Store a manifest under the reference's tag, or its digest. Raises ImageError."""
        self._send(
            "PUT",
            reference,
            f"manifests/{reference.tag or descriptor.digest}",
            headers={"Content-Type": descriptor.media_type},
            content=content,
        )

    def _put(
        self, location: str, reference: Reference, descriptor: Descriptor, content: Open
    ) -> httpx.Response:
        """PATCH, then PUT, as docker does: what every registry has seen before."""
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(descriptor.size),
        }
        patched = self._once("PATCH", reference, location, headers=headers, content=content())
        location = patched.headers.get("Location", location)
        joint = "&" if "?" in location else "?"
        end = f"{location}{joint}{urlencode({'digest': descriptor.digest})}"
        return self._once("PUT", reference, end)

    def _send(self, method: str, reference: Reference, path: str, **options: Any) -> httpx.Response:
        """Send until there is an answer that counts. `path` is inside the repository."""
        for attempt in range(ATTEMPTS):
            wait: str | None = None
            try:
                url = f"/v2/{reference.repository}/{path}"
                return self._once(method, reference, url, **options)
            except httpx.TransportError as error:
                problem: object = f"{type(error).__name__}: {error}"
            except Busy as error:
                problem, wait = error, error.wait
            _pause(attempt, wait)
        raise RegistryError(f"{self._host} does not answer: {problem}")

    def _once(
        self, method: str, reference: Reference, url: str, stream: bool = False, **options: Any
    ) -> httpx.Response:
        """Send once, and once more with an authorization if the registry asks for one."""
        repository, headers = reference.repository, dict(options.pop("headers", {}))
        for known in (self._authorizations.get(repository), None):
            headers |= {"Authorization": known} if known else {}
            request = self._http.build_request(method, url, headers=headers, **options)
            answer = self._http.send(request, stream=True)
            if answer.status_code != 401:
                break
            answer.read()
            headers["Authorization"] = self._authorize(answer, repository)
            self._authorizations[repository] = headers["Authorization"]
            if isinstance(options.get("content"), Iterator):
                raise Busy("the login has expired", None)  # what was sent cannot be sent again
        return _checked(answer, reference, stream=stream)

    def _authorize(self, refusal: httpx.Response, repository: str) -> str:
        """https://distribution.github.io/distribution/spec/auth/token/"""
        kind, _, rest = refusal.headers.get("WWW-Authenticate", "").partition(" ")
        asked, known = dict(_PARAMETER.findall(rest)), self._logins(self._host)
        if kind.lower() == "basic" and known:
            return "Basic " + b64encode(":".join(known).encode()).decode()
        if kind.lower() != "bearer" or "realm" not in asked:
            raise RegistryError(f"{self._host} wants a login: run `docker login {self._host}`")
        query = {"scope": f"repository:{repository}:{self._actions}"} | (
            {"service": asked["service"]} if "service" in asked else {}
        )
        answer = self._http.get(asked["realm"], params=query, auth=known or None)
        if answer.status_code != 200:
            raise RegistryError(
                f"{self._host} refuses the login ({answer.status_code}): "
                f"run `docker login {self._host}`"
            )
        token = answer.json()
        return f"Bearer {token.get('token') or token.get('access_token')}"


def referrers_tag(digest: str) -> str:
    return digest.replace(":", "-")


class RegistryError(ImageError):
    """The registry does not answer, or not us. What is wrong is not the image."""


class NotThere(ImageError):  # noqa: N818
    """The registry does not have what was asked for."""


class Busy(Exception):  # noqa: N818
    """The registry cannot answer now. `wait` is what it says of when it can: seconds, as text."""

    def __init__(self, message: str, wait: str | None) -> None:
        super().__init__(message)
        self.wait = wait


def _checked(answer: httpx.Response, reference: Reference, *, stream: bool) -> httpx.Response:
    if answer.is_success and stream:
        return answer
    answer.read()
    if answer.is_success:
        return answer
    said = f"{answer.status_code} {_message(answer)}".strip()
    if answer.status_code in _BUSY:
        raise Busy(said, answer.headers.get("Retry-After"))
    if answer.status_code == 404:
        raise NotThere(f"{reference} is not there: the registry answers {said}")
    if answer.status_code in (401, 403):
        raise RegistryError(
            f"{reference}: the registry refuses ({said}); log in with `docker login "
            f"{reference.host}`, or ask for the permission"
        )
    raise RegistryError(f"{reference}: the registry answers {said}")


def _message(answer: httpx.Response) -> str:
    try:
        errors = answer.json()["errors"]
        return "; ".join(str(error.get("message") or error.get("code")) for error in errors)
    except (ValueError, KeyError, TypeError, AttributeError):
        return answer.reason_phrase


def _pause(attempt: int, wait: str | None = None) -> None:
    """Before the next attempt; not after the last one."""
    if attempt < ATTEMPTS - 1:
        asked = float(wait) if wait and wait.isdecimal() else 0.0
        time.sleep(min(max(asked, 0.2 * 2**attempt), 60))
