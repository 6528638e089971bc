"""Images to and from a real registry, and through one that misbehaves."""

import hashlib
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.images.oci import registry as client
from slipway.images.oci.descriptors import ImageError, Platform
from slipway.images.oci.layout import Layout
from slipway.images.oci.reference import Reference
from slipway.images.oci.registry import Registry
from slipway.images.oci.transfer import Pusher, pull
from tests.support.random_images import EVERYTHING, image, index, push, reference
from tests.support.registry import Front, Request, registry


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with registry(tmp_path_factory.mktemp("registry")) as host:
        yield host


@pytest.fixture
def front(host: str) -> Iterator[Front]:
    front = Front(host)
    yield front
    front.close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses between attempts are for networks."""
    monkeypatch.setattr(client.time, "sleep", lambda _: None)


@pytest.fixture
def store(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "store")


def test_what_is_pushed_comes_back_byte_for_byte(host: str, store: Layout, tmp_path: Path):
    pushed = index(store, 1)
    target = reference(host, "round/trip")
    push(store, pushed, target)
    copy = Layout(tmp_path / "copy")
    with Registry(target) as registry:
        came = pull(registry, target, copy)
    assert came.digest == pushed.digest
    for part in store.walk(pushed):
        content = copy.path(part.digest).read_bytes()
        assert "sha256:" + hashlib.sha256(content).hexdigest() == part.digest


def test_of_an_index_only_the_wanted_platform_is_pulled(host: str, store: Layout, tmp_path: Path):
    target = reference(host, "one/platform")
    push(store, index(store, 3), target)
    copy = Layout(tmp_path / "copy")
    with Registry(target) as registry:
        came = pull(registry, target, copy, EVERYTHING[1])
        assert list(copy.platforms(came)) == ["linux/arm64"]
        with pytest.raises(ImageError, match=r"no image for linux/s390x; it has: linux/amd64, "):
            pull(registry, target, copy, Platform("linux", "s390x"))


def test_nothing_is_sent_twice(host: str, store: Layout):
    one = image(store, 5)
    first = push(store, one, reference(host, "twice"))
    again = push(store, one, reference(host, "twice", "2"))
    assert (first.copied, first.skipped) == (4, 0)
    assert (again.copied, again.skipped, again.bytes) == (0, 4, 0)


def test_a_blob_of_another_repository_is_mounted_not_sent(host: str, store: Layout):
    one, two = image(store, 6), image(store, 7)
    with Registry(reference(host, "mount"), push=True) as registry:
        pusher = Pusher(store, registry)
        pusher.push(one, reference(host, "mount/one"), ["1"])
        second = pusher.push(two, reference(host, "mount/two"), ["1"])
    assert (second.copied, second.skipped) == (3, 1)
    assert second.bytes < 2_600_000


def busy(times: int) -> Iterator[bool]:
    return itertools.chain([True] * times, itertools.repeat(False))


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_registry_that_is_busy_is_asked_again(
    front: Front, store: Layout, tmp_path: Path, status: int
):
    one, target = image(store, 10 + status), reference(front.host, f"busy/{status}")
    faults = busy(3)

    def fault(request: Request) -> bool:
        if refuse := next(faults):
            request.rfile.read(int(request.headers.get("Content-Length", 0)))
            request.answer(status, Retry_After="0")
        return refuse

    front.fault = fault
    push(store, one, target)
    faults = busy(3)
    with Registry(target) as registry:
        assert pull(registry, target, Layout(tmp_path / "copy")).digest == one.digest


def test_a_busy_upload_is_begun_anew(front: Front, store: Layout):
    one, target, faults = image(store, 20), reference(front.host, "busy/upload"), busy(2)

    def fault(request: Request) -> bool:
        if request.command == "PATCH" and next(faults):
            request.rfile.read(int(request.headers["Content-Length"]))
            request.answer(503)
            return True
        return False

    front.fault = fault
    assert push(store, one, target).copied == 4


def test_a_registry_that_stays_busy_is_given_up_and_no_tag_is_set(front: Front, store: Layout):
    one, target = image(store, 30), reference(front.host, "busy/always")

    def fault(request: Request) -> bool:
        if request.command != "PATCH":
            return False
        request.rfile.read(int(request.headers["Content-Length"]))
        request.answer(503)
        return True

    front.fault = fault
    with pytest.raises(ImageError, match=r"cannot be stored: 503"):
        push(store, one, target)
    front.fault = lambda _: False
    with Registry(target) as registry:
        assert registry.digest(target) is None
    assert push(store, one, target).copied == 4


def test_a_download_that_breaks_goes_on_where_it_broke(front: Front, store: Layout, tmp_path: Path):
    one, target = image(store, 40), reference(front.host, "cut")
    push(store, one, target)
    large = max(store.children(one), key=lambda part: part.size)
    cuts = busy(3)

    def fault(request: Request) -> bool:
        if request.command == "GET" and large.digest in request.path and next(cuts):
            request.cut(front.behind, 700_000)
            return True
        return False

    front.fault = fault
    copy = Layout(tmp_path / "copy")
    with Registry(target) as registry:
        pull(registry, target, copy)
    assert copy.has(large)


def test_what_is_not_what_it_should_be_is_not_kept(front: Front, store: Layout, tmp_path: Path):
    one, target = image(store, 50), reference(front.host, "lies")
    push(store, one, target)
    large = max(store.children(one), key=lambda part: part.size)

    def fault(request: Request) -> bool:
        if request.command == "GET" and large.digest in request.path:
            request.pass_on(front.behind, lambda body: b"!" + body[1:])
            return True
        return False

    front.fault = fault
    copy = Layout(tmp_path / "copy")
    with Registry(target) as registry, pytest.raises(ImageError, match="arrived as sha256:"):
        pull(registry, target, copy)
    assert not copy.has(large)


def test_a_manifest_that_does_not_match_its_digest_is_refused(front: Front, store: Layout):
    one, target = image(store, 60), reference(front.host, "lies/manifest")
    push(store, one, target)
    by_digest = Reference.parse(f"{target.name}@{one.digest}")

    def fault(request: Request) -> bool:
        request.pass_on(front.behind, lambda body: body + b" ")
        return True

    front.fault = fault
    with Registry(target) as registry:
        for asked in (target, by_digest):
            with pytest.raises(ImageError, match="the registry sent sha256:"):
                registry.manifest(asked)


class Tokens:
    """A registry that wants a bearer token, which it takes a few times only."""

    def __init__(self, front: Front, uses: int) -> None:
        self.front, self.uses, self.given = front, uses, 0
        self.left: dict[str, int] = {}
        self.scopes: set[str] = set()

    def __call__(self, request: Request) -> bool:
        if request.path.startswith("/token"):
            self.given += 1
            self.scopes.add(request.path)
            self.left[f"t{self.given}"] = self.uses
            request.answer(200, f'{{"token": "t{self.given}"}}'.encode())
            return True
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.left.get(token, 0) > 0:
            self.left[token] -= 1
            return False
        request.rfile.read(int(request.headers.get("Content-Length", 0)))
        realm = f'Bearer realm="http://{self.front.host}/token",service="test"'
        request.answer(401, WWW_Authenticate=realm)
        return True


@pytest.mark.parametrize("uses", [2, 3, 1000])
def test_a_token_that_expires_in_the_middle_is_renewed(
    front: Front, store: Layout, tmp_path: Path, uses: int
):
    one, target = image(store, 70 + uses), reference(front.host, f"tokens/{uses}")
    front.fault = tokens = Tokens(front, uses)
    with Registry(target, push=True) as registry:
        Pusher(store, registry).push(one, target, ["1"])
        assert pull(registry, target, Layout(tmp_path / "copy")).digest == one.digest
    assert all("scope=repository%3Atokens%2F" in scope for scope in tokens.scopes)
    assert tokens.given < 10 or uses < 1000


def test_a_login_from_the_usual_file_is_used(
    front: Front, store: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    file = tmp_path / "auth.json"
    file.write_text(f'{{"auths": {{"{front.host}": {{"auth": "YWRhOnNlY3JldA=="}}}}}}')
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(file))

    def fault(request: Request) -> bool:
        if request.headers.get("Authorization") == "Basic YWRhOnNlY3JldA==":
            return False
        request.rfile.read(int(request.headers.get("Content-Length", 0)))
        request.answer(401, WWW_Authenticate='Basic realm="here"')
        return True

    front.fault = fault
    push(store, image(store, 80), reference(front.host, "basic"))
    file.write_text("{}")
    with pytest.raises(ImageError, match=f"wants a login: run `docker login {front.host}`"):
        push(store, image(store, 81), reference(front.host, "basic"))


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (403, r"the registry refuses \(403 no entry\); log in with `docker login"),
        (400, r"the registry answers 400 no entry"),
    ],
)
def test_a_refusal_is_told_in_the_registrys_words(
    front: Front, store: Layout, status: int, message: str
):
    def fault(request: Request) -> bool:
        if request.command != "POST":
            return False
        request.answer(status, b'{"errors": [{"code": "DENIED", "message": "no entry"}]}')
        return True

    front.fault = fault
    with pytest.raises(ImageError, match=message):
        push(store, image(store, 90), reference(front.host, "refused"))


def test_what_is_not_there_is_told(host: str, store: Layout):
    target = reference(host, "nowhere")
    with Registry(target) as registry, pytest.raises(ImageError, match="nowhere:1 is not there"):
        pull(registry, target, store)


def test_a_registry_that_is_away_is_told(store: Layout, front: Front):
    target = reference(front.host, "away")
    front.close()
    with (
        Registry(target) as registry,
        pytest.raises(ImageError, match=r":\d+ does not answer"),
    ):
        pull(registry, target, store)
