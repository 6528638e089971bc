"""The requests to a registry for which skopeo has no command.

They ask what is attached to an image (signatures, bills of materials), and where uploads would go:
https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers
"""

import re
import ssl
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import httpx

from slipway.images.oci.descriptors import (
    INDEX,
    Descriptor,
    ImageError,
    RegistryError,
    index_of,
)
from slipway.images.registry.credentials import Login
from slipway.images.registry.reference import DOCKER_HUB, Reference
from slipway.untrusted import MOST_BYTES, parse_json

_PARAMETER = re.compile(r'(\w+)="([^"]*)"')
_UNSUPPORTED = (400, 404, 405, 501)
_KEPT = ("WWW-Authenticate", "Link", "Location")
"""Headers that are looked at."""
_MOST_PAGES = 100
_MOST_ATTACHED = 1000


class Referrers:
    """A client of one registry."""

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

    def check_uploads(self, image: Reference) -> None:
        """Ask where an upload to the image's repository would go, and take the question back.

        skopeo sends the login wherever the registry says, without TLS too. Raises RegistryError
        where that is not the registry itself.
        """
        if not self._login:
            return
        answer = self._send("POST", f"/v2/{image.repository}/blobs/uploads/", image, headers={})
        if answer.status_code != HTTPStatus.ACCEPTED or "Location" not in answer.headers:
            return  # skopeo asks again, and tells what is wrong
        place = self._http.base_url.join(answer.headers["Location"])
        if not self._is_home(place):
            raise RegistryError(
                f"{image.host} sends uploads to {_origin(place)}, which would get the login for "
                f"{image.host} as well; its administrator must set the address it is reached at"
            )
        self._send("DELETE", str(place), image, headers={})

    def _by_api(self, image: Reference) -> list[dict[str, Any]] | None:
        """None where the registry does not list them: then a tag made of the digest does."""
        url, referrers = f"/v2/{image.repository}/referrers/{image.digest}", []
        for _ in range(_MOST_PAGES):
            if not self._supported:
                return None
            answer = self._send("GET", url, image, headers={"Accept": INDEX})
            if answer.status_code in _UNSUPPORTED:
                self._supported = False
                return None
            referrers += _manifests(answer, image)
            url = answer.links.get("next", {}).get("url", "")
            if not url:
                return referrers
            if len(referrers) > _MOST_ATTACHED or not self._is_home(self._http.base_url.join(url)):
                break
        raise RegistryError(
            f"{image}: the list of what is attached does not end, or goes on at another registry"
        )

    def _by_tag(self, image: Reference) -> list[dict[str, Any]]:
        answer = self._send("GET", _tag_url(image), image, headers={"Accept": INDEX})
        return [] if answer.status_code == HTTPStatus.NOT_FOUND else _manifests(answer, image)

    def _send(self, method: str, url: str, image: Reference, **request: Any) -> httpx.Response:
        """With a login if the registry wants one.

        https://distribution.github.io/distribution/spec/auth/token/
        """
        answer = self._request(method, url, image, **request)
        kind, _, rest = answer.headers.get("WWW-Authenticate", "").partition(" ")
        # Whom a registry has redirected to is not asked for, and gets no login.
        if answer.status_code != HTTPStatus.UNAUTHORIZED or not self._is_home(answer.url):
            return answer
        if kind.lower() == "bearer":
            token = self._token(dict(_PARAMETER.findall(rest)), image, method)
            request["headers"]["Authorization"] = f"Bearer {token}"
            return self._request(method, url, image, **request)
        return self._request(method, url, image, **request, auth=self._login)

    def _token(self, challenge: dict[str, str], image: Reference, method: str) -> str:
        """From where the registry says, which may be another host, but never without TLS."""
        realm = self._http.base_url.join(challenge.get("realm", ""))
        if realm.scheme != "https" and not self._is_home(realm):
            raise RegistryError(
                f"{image.host} wants its login sent to {_origin(realm)}, without TLS; ask its "
                "administrator for an address with https"
            )
        actions = "pull" if method == "GET" else "pull,push"
        query = {"scope": f"repository:{image.repository}:{actions}"}
        query |= {"service": challenge["service"]} if "service" in challenge else {}
        answer = self._request("GET", str(realm), image, params=query, auth=self._login)
        try:
            granted = parse_json(_checked(answer, image).content)
            return str(granted.get("token") or granted["access_token"])
        except (ValueError, AttributeError, KeyError):
            raise RegistryError(f"{image}: {_origin(realm)} gives no token for a login") from None

    def _request(self, method: str, url: str, image: Reference, **request: Any) -> httpx.Response:
        """httpx follows redirects, to other hosts without the login. Raises RegistryError."""
        request["headers"] = {"Accept-Encoding": "identity", **request.get("headers", {})}
        content = bytearray()
        try:
            with self._http.stream(method, url, **request) as answer:
                for chunk in answer.iter_raw():
                    content += chunk
                    if len(content) > MOST_BYTES:
                        raise RegistryError(f"{image.host} sends more than {MOST_BYTES:,} bytes")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise RegistryError(f"{image.host} does not answer: {error}") from None
        kept = {name: answer.headers[name] for name in _KEPT if name in answer.headers}
        status = answer.status_code
        return httpx.Response(status, headers=kept, content=bytes(content), request=answer.request)

    def _is_home(self, url: httpx.URL) -> bool:
        return _origin(url) == _origin(self._http.base_url)


def _origin(url: httpx.URL) -> str:
    port = url.port or {"http": 80, "https": 443}.get(url.scheme)
    return f"{url.scheme}://{url.host}:{port}"


def tag_of(digest: str) -> str:
    """The tag that lists what is attached to an image, where the registry does not."""
    return digest.replace(":", "-")


def _tag_url(image: Reference) -> str:
    return f"/v2/{image.repository}/manifests/{tag_of(str(image.digest))}"


def _manifests(answer: httpx.Response, image: Reference) -> list[dict[str, Any]]:
    try:
        found = [dict(each) for each in parse_json(_checked(answer, image).content)["manifests"]]
        for each in found:
            Descriptor.from_json(each)
    except RegistryError:
        raise
    except (ValueError, KeyError, TypeError, ImageError):
        raise RegistryError(f"{image}: the list of what is attached is damaged") from None
    return found


def _checked(answer: httpx.Response, image: Reference) -> httpx.Response:
    if answer.is_success:
        return answer
    raise RegistryError(
        f"{image}: the registry answers {answer.status_code} to the question what is attached to "
        f"it; log in with `docker login {image.host}`, or ask for the permission"
    )
