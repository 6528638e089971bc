"""Registries that lie: what never ends, what is too much, and whom the login is sent to."""

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from slipway.images.oci import descriptors as oci
from slipway.images.oci.descriptors import Descriptor, ImageError, RegistryError, digest_of
from slipway.images.oci.layout import Layout
from slipway.images.registry.copy import ImageCopy, copy_images
from slipway.images.registry.reference import Reference
from slipway.images.registry.referrers import Referrers
from slipway.images.registry.registry import Registry
from tests.support.random_images import image, push, reference
from tests.support.registry import Front, Request, registry

LOGIN = ("ada", "secret")
NOWHERE = "127.0.0.1:1"


@pytest.fixture
def liar() -> Iterator[Front]:
    front = Front(NOWHERE)
    yield front
    front.close()


@pytest.fixture
def stranger() -> Iterator[Front]:
    """Another host, which notes what it is sent."""
    front = Front(NOWHERE)
    front.logins = []

    def answer(request: Request) -> bool:
        request.rfile.read(int(request.headers.get("Content-Length", 0)))
        front.logins.append(request.headers.get("Authorization"))
        if request.path.startswith("/token"):
            request.answer(200, b'{"token": "t"}')
        else:
            challenge = f'Bearer realm="http://{front.host}/token",service="x"'
            request.answer(401, WWW_Authenticate=challenge)
        return True

    front.fault = answer
    yield front
    front.close()


def index(*children: bytes | Descriptor) -> bytes:
    named = [
        child if isinstance(child, Descriptor) else oci.Descriptor(oci.INDEX, digest_of(child), 1)
        for child in children
    ]
    return oci.index_of(child.as_json() for child in named)


def serve(front: Front, manifests: dict[str, bytes], more: Callable[[Request], bool]) -> None:
    """Manifests by digest; `more` answers what else is asked."""

    def fault(request: Request) -> bool:
        last = request.path.rpartition("/")[2]
        if request.path == "/v2/":
            request.answer(200, b"{}")
        elif "/manifests/" in request.path and last in manifests:
            content = manifests[last]
            request.answer(200, content, Content_Type=oci.media_type_of(content))
        elif not more(request):
            request.answer(404, b'{"errors": [{"code": "MANIFEST_UNKNOWN"}]}')
        return True

    front.fault = fault


def copied(front: Front, digest: str) -> None:
    source = Reference.parse(f"{front.host}/lies@{digest}")
    target = Reference.parse(f"{NOWHERE}/lies:1")
    with Registry(source) as there, Registry(target) as here:
        copy_images([ImageCopy("lies", source, target)], there, here)


def test_a_nest_of_indexes_ends(liar: Front):
    content = index()
    manifests = {digest_of(content): content}
    for _ in range(200):
        content = index(content)
        manifests[digest_of(content)] = content
    serve(liar, manifests, lambda request: False)
    with pytest.raises(ImageError, match="one in another more than 8 times"):
        copied(liar, digest_of(content))
    asked = [line for line in liar.requests if line.startswith("GET") and "/manifests/s" in line]
    assert len(asked) < 60


def test_an_index_of_thousands_is_not_asked_for_each(liar: Front):
    children = [Descriptor(oci.MANIFEST, digest_of(b"%d" % n), 1) for n in range(5000)]
    content = index(*children)
    serve(liar, {digest_of(content): content}, lambda request: False)
    with pytest.raises(ImageError, match="more than 500 manifests"):
        copied(liar, digest_of(content))
    assert len(liar.requests) < 20


def test_what_is_attached_to_what_is_attached_ends(liar: Front):
    top = index()
    manifests = {digest_of(top): top}

    def more(request: Request) -> bool:
        if listing := "/referrers/" in request.path:
            number = len(manifests)
            made = oci.encode({"mediaType": oci.INDEX, "manifests": [], "number": number})
            manifests[digest_of(made)] = made
            attached = Descriptor(oci.INDEX, digest_of(made), len(made))
            request.answer(200, index(attached))
        return listing

    serve(liar, manifests, more)
    with pytest.raises(ImageError, match="one in another more than 8 times"):
        copied(liar, digest_of(top))
    assert len(manifests) < 20


@pytest.mark.parametrize(
    "manifest",
    [
        {"manifests": 1},
        {"manifests": None},
        {"manifests": [1]},
        {"manifests": [{"digest": "sha256:../../x", "mediaType": oci.INDEX, "size": 1}]},
        {"manifests": [], "layers": 7},
        {"manifests": [], "config": "x"},
    ],
)
def test_a_manifest_that_is_none_is_refused(liar: Front, manifest: dict):
    content = oci.encode(manifest)
    serve(liar, {digest_of(content): content}, lambda request: False)
    with pytest.raises(ImageError, match="damaged"):
        copied(liar, digest_of(content))


def attached(front: Front) -> list[dict]:
    asked = Reference.parse(f"{front.host}/lies@{digest_of(b'x')}")
    client = Referrers(asked, LOGIN)
    try:
        return client.of(asked)
    finally:
        client.close()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"[" * 100_000, "damaged"),
        (b"{}", "damaged"),
        (b'{"manifests": [{"digest": 1}]}', "damaged"),
        (b'{"manifests": "abc"}', "damaged"),
        (b" " * (8 * 2**20 + 1), "sends more than 8,388,608 bytes"),
    ],
)
def test_a_list_of_what_is_attached_that_is_none_is_refused(liar: Front, body: bytes, message: str):
    serve(liar, {}, lambda request: request.answer(200, body) or True)
    with pytest.raises(RegistryError, match=message):
        attached(liar)


def test_a_list_that_unpacks_to_gigabytes_is_not_unpacked(liar: Front):
    packed = gzip.compress(bytes(2**26))
    serve(liar, {}, lambda request: request.answer(200, packed, Content_Encoding="gzip") or True)
    with pytest.raises(RegistryError, match="damaged"):
        attached(liar)


def test_pages_of_what_is_attached_end(liar: Front):
    def more(request: Request) -> bool:
        request.answer(200, index(), Link=f'<{request.path}?next>; rel="next"')
        return True

    serve(liar, {}, more)
    with pytest.raises(RegistryError, match="does not end"):
        attached(liar)
    assert len(liar.requests) <= 100


def test_pages_at_another_registry_are_not_asked_for(liar: Front, stranger: Front):
    def more(request: Request) -> bool:
        request.answer(200, index(), Link=f'<http://{stranger.host}/v2/>; rel="next"')
        return True

    serve(liar, {}, more)
    with pytest.raises(RegistryError, match="goes on at another registry"):
        attached(liar)
    assert stranger.requests == []


@pytest.mark.parametrize("at_once", [True, False])
def test_whom_a_registry_redirects_to_gets_no_login(liar: Front, stranger: Front, at_once: bool):
    def more(request: Request) -> bool:
        if at_once or "Authorization" in request.headers:
            request.answer(307, Location=f"http://{stranger.host}{request.path}")
        else:
            request.answer(401, WWW_Authenticate='Basic realm="here"')
        return True

    serve(liar, {}, more)
    with pytest.raises(RegistryError, match="401"):
        attached(liar)
    assert stranger.logins, "it was asked"
    assert set(stranger.logins) == {None}
    assert not any("/token" in line for line in stranger.requests)


def test_a_login_is_not_sent_to_another_host_without_tls(liar: Front, stranger: Front):
    realm = f'Bearer realm="http://{stranger.host}/token",service="x"'
    serve(liar, {}, lambda request: request.answer(401, WWW_Authenticate=realm) or True)
    with pytest.raises(RegistryError, match=rf"sent to http://{stranger.host}, without TLS"):
        attached(liar)
    assert stranger.requests == []


@pytest.mark.parametrize("body", [b"[]", b"{}", b"nonsense", b'{"token": {"a": 1}}'])
def test_a_token_that_is_none_is_told(liar: Front, body: bytes):
    def more(request: Request) -> bool:
        if request.path.startswith("/token"):
            request.answer(200, body)
        else:
            challenge = f'Bearer realm="http://{liar.host}/token"'
            request.answer(401, WWW_Authenticate=challenge)
        return True

    serve(liar, {}, more)
    with pytest.raises(RegistryError):
        attached(liar)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with registry(tmp_path_factory.mktemp("registry")) as host:
        yield host


def test_the_login_follows_no_upload_to_another_host(
    host: str, stranger: Front, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """skopeo would send it there."""
    front, store = Front(host), Layout(tmp_path / "store")
    file = tmp_path / "auth.json"
    file.write_text(json.dumps({"auths": {front.host: {"auth": "YWRhOnNlY3JldA=="}}}))
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(file))

    def fault(request: Request) -> bool:
        if request.headers.get("Authorization") != "Basic YWRhOnNlY3JldA==":
            request.rfile.read(int(request.headers.get("Content-Length", 0)))
            request.answer(401, WWW_Authenticate='Basic realm="here"')
        elif request.command == "POST" and "/uploads/" in request.path:
            request.answer(202, Location=f"http://{stranger.host}{request.path}upload")
        else:
            return False
        return True

    front.fault = fault
    one = image(store, 300)
    with pytest.raises(RegistryError, match=rf"sends uploads to http://{stranger.host}"):
        push(store, one, reference(front.host, "pushed"))

    push(store, one, reference(host, "source"))
    source = Reference.parse(f"{host}/source@{one.digest}")
    target = Reference.parse(f"{front.host}/copied:1")
    with (
        Registry(source) as there,
        Registry(target) as here,
        pytest.raises(RegistryError, match="sends uploads to"),
    ):
        copy_images([ImageCopy("copied", source, target)], there, here)
    assert stranger.requests == []
    front.close()
