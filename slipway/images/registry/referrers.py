"""What is attached to an image in a registry: signatures, bills of materials.

The request to a registry for which skopeo has no command:
https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers
"""

import re
import ssl
from typing import Any

import httpx

from slipway.images.oci.descriptors import INDEX, RegistryError
from slipway.images.registry.credentials import Login
from slipway.images.registry.reference import DOCKER_HUB, Reference

_PARAMETER = re.compile(r'(\w+)="([^"]*)"')
_UNSUPPORTED = (400, 404, 405, 501)


class ReferrersApi:
    """The referrers of a registry's images, if it lists them."""

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

    def list(self, image: Reference) -> list[dict[str, Any]] | None:
        """Descriptors of what is attached to `image`, which has a digest.

        None where the registry does not list them: then a tag made of the digest stands for it.
        Raises RegistryError.
        """
        url, found = f"/v2/{image.repository}/referrers/{image.digest}", list[dict[str, Any]]()
        while url and self._supported:
            answer = self._send("GET", url, image, {"Accept": INDEX})
            if answer.status_code in _UNSUPPORTED:
                self._supported = False
                break
            try:
                found += _checked(answer, image).json()["manifests"]
            except (ValueError, KeyError, TypeError):
                raise RegistryError(f"{image}: the list of what is attached is damaged") from None
            url = answer.links.get("next", {}).get("url", "")
        return found if self._supported else None

    def store(self, tagged: Reference, index: bytes) -> None:
        """Store the list under the tag that stands for it. Raises RegistryError.

        skopeo refuses an index whose entries have an `artifactType`, as these have.
        """
        url = f"/v2/{tagged.repository}/manifests/{tagged.tag}"
        _checked(self._send("PUT", url, tagged, {"Content-Type": INDEX}, index), tagged)

    def _send(
        self,
        method: str,
        url: str,
        image: Reference,
        headers: dict[str, str],
        content: bytes | None = None,
    ) -> httpx.Response:
        """With a login if the registry wants one.

        https://distribution.github.io/distribution/spec/auth/token/
        """
        try:
            answer = self._http.request(method, url, headers=headers, content=content)
            kind, _, rest = answer.headers.get("WWW-Authenticate", "").partition(" ")
            if answer.status_code != 401 or (kind.lower() == "basic" and not self._login):
                return answer
            if kind.lower() == "bearer":
                token = self._token(dict(_PARAMETER.findall(rest)), image, method)
                headers = {**headers, "Authorization": f"Bearer {token}"}
                return self._http.request(method, url, headers=headers, content=content)
            return self._http.request(
                method, url, headers=headers, content=content, auth=self._login
            )
        except httpx.TransportError as error:
            raise RegistryError(f"{image.host} does not answer: {error}") from None

    def _token(self, challenge: dict[str, str], image: Reference, method: str) -> str:
        actions = "pull" if method == "GET" else "pull,push"
        query = {"scope": f"repository:{image.repository}:{actions}"}
        query |= {"service": challenge["service"]} if "service" in challenge else {}
        answer = self._http.get(challenge.get("realm", ""), params=query, auth=self._login)
        granted = _checked(answer, image).json()
        return str(granted.get("token") or granted.get("access_token"))


def _checked(answer: httpx.Response, image: Reference) -> httpx.Response:
    if answer.is_success:
        return answer
    raise RegistryError(
        f"{image}: the registry answers {answer.status_code} to the question what is attached to "
        f"it; log in with `docker login {image.host}`, or ask for the permission"
    )
