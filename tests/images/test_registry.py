"""Images to and from a real registry, and through one that misbehaves."""

import base64
import hashlib
import json
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.images.oci.descriptors import (
    ImageError,
    ImageNotFoundError,
    Platform,
    RegistryError,
)
from slipway.images.oci.layout import Layout
from slipway.images.registry import skopeo, transfer
from slipway.images.registry.reference import Reference
from slipway.images.registry.registry import Registry
from slipway.images.registry.transfer import pull
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


@pytest.fixture
def store(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "store")


def test_what_is_pushed_comes_back_byte_for_byte(host: str, store: Layout, tmp_path: Path):
    pushed = index(store, 1)
    push(store, pushed, reference(host, "round/trip"))
    for child, platform in zip(store.children(pushed), EVERYTHING, strict=True):
        copy = Layout(tmp_path / platform.architecture)
        assert pull(reference(host, "round/trip"), copy, platform).digest == child.digest
        for part in store.walk(child):
            content = copy.path(part.digest).read_bytes()
            assert "sha256:" + hashlib.sha256(content).hexdigest() == part.digest
        assert {path.name for path in copy.folder.iterdir()} == {
            ".lock", "blobs", "index.json", "oci-layout",
        }  # fmt: skip


def test_of_an_index_only_the_wanted_platform_is_pulled(host: str, store: Layout, tmp_path: Path):
    target, copy = reference(host, "one/platform"), Layout(tmp_path / "copy")
    push(store, index(store, 3), target)
    came = pull(target, copy, EVERYTHING[1])
    assert list(copy.platforms(came)) == ["linux/arm64"]
    with pytest.raises(ImageError, match="not for linux/s390x but for linux/amd64, linux/arm64"):
        pull(target, copy, Platform("linux", "s390x"))


def test_what_was_pulled_before_is_not_asked_for_again(front: Front, store: Layout, tmp_path: Path):
    target, copy = reference(front.host, "again"), Layout(tmp_path / "copy")
    push(store, image(store, 4), target)
    pull(target, copy, EVERYTHING[0])
    front.requests.clear()
    pull(target, copy, EVERYTHING[0])
    assert [line for line in front.requests if "/blobs/" in line] == []


def test_nothing_is_sent_twice(host: str, store: Layout):
    one = image(store, 5)
    first = push(store, one, reference(host, "twice"))
    again = push(store, one, reference(host, "twice", "2"))
    # The layer that all these images have may be mounted from another repository.
    assert (first.copied_blobs, first.skipped_blobs) in [(4, 0), (3, 1)]
    assert first.bytes > 2_500_000
    assert (again.copied_blobs, again.skipped_blobs, again.bytes) == (0, 4, 0)


def test_a_blob_of_another_repository_is_mounted_not_sent(host: str, store: Layout):
    push(store, image(store, 6), reference(host, "mount/one"))
    second = push(store, image(store, 7), reference(host, "mount/two"))
    assert (second.copied_blobs, second.skipped_blobs) == (3, 1)
    assert second.bytes < 2_600_000


def test_a_registry_that_refuses_an_upload_has_no_tag_and_the_next_run_goes_on(
    front: Front, store: Layout
):
    one, target = image(store, 30), reference(front.host, "refused/upload")

    def fault(request: Request) -> bool:
        if refuse := request.command == "PUT" and "/blobs/" in request.path:
            request.rfile.read(int(request.headers.get("Content-Length", 0)))
            request.answer(500)
        return refuse

    front.fault = fault
    with pytest.raises(RegistryError, match=f"{front.host} does not answer: .*500"):
        push(store, one, target)
    front.fault = lambda _: False
    with Registry(target) as there:
        assert there.digest(target) is None
    assert push(store, one, target).copied_blobs > 0


def test_what_is_not_what_it_should_be_is_not_kept(front: Front, store: Layout, tmp_path: Path):
    one, target = image(store, 50), reference(front.host, "lies")
    push(store, one, target)
    large = max(store.children(one), key=lambda part: part.size)

    def fault(request: Request) -> bool:
        if lie := request.command == "GET" and large.digest in request.path:
            request.pass_on(front.behind, lambda body: b"!" + body[1:])
        return lie

    front.fault = fault
    copy = Layout(tmp_path / "copy")
    with pytest.raises(ImageError, match=f"{large.digest} arrived as sha256:"):
        pull(target, copy, EVERYTHING[0])
    assert not copy.has(large)


def test_a_manifest_that_does_not_match_its_digest_is_refused(front: Front, store: Layout):
    one, target = image(store, 60), reference(front.host, "lies/manifest")
    push(store, one, target)

    def fault(request: Request) -> bool:
        if lie := "/manifests/" in request.path:
            request.pass_on(front.behind, lambda body: body + b" ")
        return lie

    front.fault = fault
    with Registry(target) as there, pytest.raises(ImageError, match="the registry sent sha256:"):
        there.manifest(target.at(one.digest))


def test_a_tag_that_is_another_image_after_the_push_is_noticed(front: Front, store: Layout):
    old, new = image(store, 61), image(store, 62)
    target = reference(front.host, "stuck")
    push(store, old, target)

    def fault(request: Request) -> bool:
        if swallow := request.command == "PUT" and request.path.endswith("/manifests/1"):
            request.rfile.read(int(request.headers["Content-Length"]))
            request.answer(201)
        return swallow

    front.fault = fault
    with pytest.raises(ImageError, match=f"stuck:1 is {old.digest} after {new.digest} was stored"):
        push(store, new, target)


def wants(front: Front, login: str) -> None:
    """Let the registry take this basic login only."""

    def fault(request: Request) -> bool:
        if request.headers.get("Authorization") == f"Basic {encoded(login)}":
            return False
        request.rfile.read(int(request.headers.get("Content-Length", 0)))
        request.answer(401, WWW_Authenticate='Basic realm="here"')
        return True

    front.fault = fault


def encoded(login: str) -> str:
    return base64.b64encode(login.encode()).decode()


def test_a_login_from_the_usual_file_is_used(
    front: Front, store: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    wants(front, "ada:secret")
    file = tmp_path / "auth.json"
    file.write_text(json.dumps({"auths": {front.host: {"auth": encoded("ada:secret")}}}))
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(file))
    push(store, image(store, 80), reference(front.host, "basic"))
    file.write_text("{}")
    with pytest.raises(RegistryError, match=rf"refuses \(.*log in with `docker login {front.host}"):
        push(store, image(store, 81), reference(front.host, "basic"))
    file.write_text("nonsense")
    with pytest.raises(ImageError, match=f"{file} cannot be read"):
        push(store, image(store, 81), reference(front.host, "basic"))


def test_a_login_that_docker_desktop_stores_elsewhere_is_used(
    front: Front, store: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    wants(front, "ada:secret")
    helper = tmp_path / "bin/docker-credential-desktop"
    helper.parent.mkdir()
    helper.write_text('#!/bin/sh\necho \'{"Username": "ada", "Secret": "secret"}\'\n')
    helper.chmod(0o755)
    (tmp_path / "config.json").write_text('{"credsStore": "desktop"}')
    monkeypatch.delenv("REGISTRY_AUTH_FILE", raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("PATH", f"{helper.parent}{os.pathsep}{os.environ['PATH']}")
    push(store, image(store, 82), reference(front.host, "helper"))


class Aws:
    """A session of boto3 that gives a login for ECR."""

    def client(self, service: str, region_name: str) -> "Aws":
        assert (service, region_name) == ("ecr", "eu-west-1")
        return self

    def get_authorization_token(self, registryIds: list[str]) -> dict:  # noqa: N803 - boto3's
        assert registryIds == ["123456789012"]
        return {"authorizationData": [{"authorizationToken": encoded("AWS:token-of-ecr")}]}


def test_a_login_of_aws_is_in_a_file_for_its_owner_and_never_in_arguments():
    home = Reference.parse("123456789012.dkr.ecr.eu-west-1.amazonaws.com/slipway/hub")
    with Registry(home, Aws()) as there:
        (option,) = there.options("src-")
        file = Path(option.removeprefix("--src-authfile="))
        assert json.loads(file.read_text()) == {
            "auths": {home.host: {"auth": encoded("AWS:token-of-ecr")}}
        }
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert not file.parent.exists()


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (403, r"the registry refuses \(.*no entry\); log in with `docker login"),
        (400, r"no entry"),
    ],
)
def test_a_refusal_is_told_in_the_registrys_words(
    front: Front, store: Layout, status: int, message: str
):
    def fault(request: Request) -> bool:
        if refuse := request.command == "POST":
            request.answer(status, b'{"errors": [{"code": "DENIED", "message": "no entry"}]}')
        return refuse

    front.fault = fault
    with pytest.raises(ImageError, match=message):
        push(store, image(store, 90), reference(front.host, "refused"))


def test_what_is_not_there_is_told(host: str, store: Layout):
    with pytest.raises(ImageNotFoundError, match="nowhere:1 is not there"):
        pull(reference(host, "nowhere"), store, EVERYTHING[0])


def test_a_registry_that_is_away_is_told(store: Layout, front: Front):
    front.close()
    with pytest.raises(RegistryError, match=r":\d+ does not answer"):
        pull(reference(front.host, "away"), store, EVERYTHING[0])


def test_a_registry_that_never_answers_is_given_up(
    front: Front, store: Layout, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(skopeo, "TIMEOUT", 1)

    def fault(request: Request) -> bool:
        request.rfile.read(1)
        return True

    front.fault = fault
    with pytest.raises(RegistryError, match="does not answer within 1 s"):
        pull(reference(front.host, "silent"), store, EVERYTHING[0])


def test_without_skopeo_it_is_said_how_to_get_it(
    store: Layout, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RegistryError, match="apt install skopeo"):
        skopeo.version()
    old = tmp_path / "skopeo"
    old.write_text("#!/bin/sh\necho skopeo version 1.4.1\n")
    old.chmod(0o755)
    with pytest.raises(RegistryError, match=r"1\.4\.1 is too old: install 1\.9 or newer"):
        skopeo.version()


def test_an_exported_archive_is_whole_or_not_there(
    store: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    one, file = image(store, 95), tmp_path / "out.tar"
    file.write_text("an archive of before")
    with pytest.raises(ImageError, match=f"{file} cannot be written"):
        transfer.export_archive(store, one, "No Name", file)
    assert file.read_text() == "an archive of before"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    listed = subprocess.run(["skopeo", "--version"], capture_output=True, text=True, check=True)
    assert skopeo.version() == listed.stdout.strip()
