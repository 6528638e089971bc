"""What is attached to an image in a registry: signatures, bills of materials.

The requests to a registry for which skopeo has no command:
https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers
"""

import re
import ssl
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import httpx

from slipway.images.oci.descriptors import INDEX, RegistryError, index_of
from slipway.images.registry.credentials import Login
from slipway.images.registry.reference import DOCKER_HUB, Reference

_PARAMETER = re.compile(r'(\w+)="([^"]*)"')
_UNSUPPORTED = (400, 404, 405, 501)


class Referrers:
    """What is attached to a registry's images."""

    def __init__(self, home: Reference, login: Login | None) -> None:
        """`home` is any image of the registry."""
        host = "registry-1.docker.io" if home.host == DOCKER_HUB else home.host
        self._login = login
        self._supported = True
        self._http = httpx.Client(
            base_url=f"{'http' if home.is_local else 'https'}://{host}",
            verify=ssl.create_default_context(),
            timeout=60,
            follow_redirects=True,
        )

    def close(self) -> None:
        self._http.close()

    def of(self, image: Reference) -> list[dict[str, Any]]:
        """Descriptors of what is attached to `image`, which has a digest. Raises RegistryError."""
        by_api = self._by_api(image)
        return self._by_tag(image) if by_api is None else by_api

    def add(self, image: Reference, referrers: Iterable[dict[str, Any]]) -> None:
        """Attach these as well, where the registry does not list them itself.

        Raises RegistryError.
        """
        if self._by_api(image) is not None:
            return
        attached = {referrer["digest"]: referrer for referrer in self._by_tag(image)}
        before = len(attached)
        for referrer in referrers:
            attached.setdefault(referrer["digest"], referrer)
        if len(attached) > before:
            # skopeo refuses an index whose entries have an `artifactType`, as these have.
            content, headers = index_of(attached.values()), {"Content-Type": INDEX}
            answer = self._send("PUT", _tag_url(image), image, headers=headers, content=content)
            _checked(answer, image)

    def _by_api(self, image: Reference) -> list[dict[str, Any]] | None:
        """None where the registry does not list them: then a tag made of the digest does."""
        url, referrers = f"/v2/{image.repository}/referrers/{image.digest}", []
        while url and self._supported:
            answer = self._send("GET", url, image, headers={"Accept": INDEX})
            if answer.status_code in _UNSUPPORTED:
                self._supported = False
                return None
            referrers += _manifests(answer, image)
            url = answer.links.get("next", {}).get("url", "")
        return referrers if self._supported else None

    def _by_tag(self, image: Reference) -> list[dict[str, Any]]:
        answer = self._send("GET", _tag_url(image), image, headers={"Accept": INDEX})
        return [] if answer.status_code == HTTPStatus.NOT_FOUND else _manifests(answer, image)

    def _send(self, method: str, url: str, image: Reference, **request: Any) -> httpx.Response:
        """With a login if the registry wants one.

        https://distribution.github.io/distribution/spec/auth/token/
        """
        try:
            answer = self._http.request(method, url, **request)
            kind, _, rest = answer.headers.get("WWW-Authenticate", "").partition(" ")
            if answer.status_code != 401:
                return answer
            if kind.lower() == "bearer":
                token = self._token(dict(_PARAMETER.findall(rest)), image, method)
                request["headers"]["Authorization"] = f"Bearer {token}"
                return self._http.request(method, url, **request)
            return self._http.request(method, url, **request, auth=self._login)
        except httpx.TransportError as error:
            raise RegistryError(f"{image.host} does not answer: {error}") from None

    def _token(self, challenge: dict[str, str], image: Reference, method: str) -> str:
        actions = "pull" if method == "GET" else "pull,push"
        query = {"scope": f"repository:{image.repository}:{actions}"}
        query |= {"service": challenge["service"]} if "service" in challenge else {}
        answer = self._http.get(challenge.get("realm", ""), params=query, auth=self._login)
        granted = _checked(answer, image).json()
        return str(granted.get("token") or granted.get("access_token"))


def tag_of(digest: str) -> str:
    """The tag that lists what is attached to an image, where the registry does not."""
    return digest.replace(":", "-")


def _tag_url(image: Reference) -> str:
    return f"/v2/{image.repository}/manifests/{tag_of(str(image.digest))}"


def _manifests(answer: httpx.Response, image: Reference) -> list[dict[str, Any]]:
    try:
        return list(_checked(answer, image).json()["manifests"])
    except (ValueError, KeyError, TypeError):
        raise RegistryError(f"{image}: the list of what is attached is damaged") from None


def _checked(answer: httpx.Response, image: Reference) -> httpx.Response:
    if answer.is_success:
        return answer
    raise RegistryError(
        f"{image}: the registry answers {answer.status_code} to the question what is attached to "
        f"it; log in with `docker login {image.host}`, or ask for the permission"
    )
