"""Images between two real registries, and through ones that misbehave."""

import hashlib
import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from slipway.images.oci import descriptors as oci
from slipway.images.oci.descriptors import Descriptor, ImageError, RegistryError
from slipway.images.oci.layout import Layout
from slipway.images.registry.copy import CopiedImage, ImageCopy, copy_images
from slipway.images.registry.reference import Reference
from slipway.images.registry.registry import Registry
from tests.support.random_images import image, index, push, reference
from tests.support.registry import Front, Request, free_port, registry

SBOM = "application/spdx+json"


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with registry(tmp_path_factory.mktemp("dev")) as host:
        yield host


@pytest.fixture(scope="module")
def prod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with registry(tmp_path_factory.mktemp("prod")) as host:
        yield host


@pytest.fixture
def dev_front(dev: str) -> Iterator[Front]:
    front = Front(dev)
    yield front
    front.close()


@pytest.fixture
def prod_front(prod: str) -> Iterator[Front]:
    front = Front(prod)
    yield front
    front.close()


@pytest.fixture
def store(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "store")


def wanted(source: str, target: str, name: str, image: Descriptor) -> ImageCopy:
    return ImageCopy(
        name,
        Reference.parse(f"{source}/{name}@{image.digest}"),
        Reference.parse(f"{target}/{name}:1.0.0"),
    )


def copied(*images: ImageCopy) -> list[CopiedImage]:
    with Registry(images[0].source) as source, Registry(images[0].target) as target:
        return copy_images(images, source, target)


def sbom_of(store: Layout, subject: Descriptor, text: str = "SPDX-2.3") -> Descriptor:
    layer = store.add(b'{"spdxVersion": "%s"}' % text.encode(), SBOM)
    manifest = {
        "schemaVersion": 2,
        "mediaType": oci.MANIFEST,
        "artifactType": SBOM,
        "config": store.add(b"{}", "application/vnd.oci.empty.v1+json").as_json(),
        "layers": [layer.as_json()],
        "subject": subject.as_json(),
    }
    return store.add(oci.encode(manifest), oci.MANIFEST)


def listed(sbom: Descriptor) -> dict[str, object]:
    return {**sbom.as_json(), "artifactType": SBOM}


def referrers_tag(image: Descriptor) -> str:
    return image.digest.replace(":", "-")


def attach(
    store: Layout, host: str, name: str, subject: Descriptor, text: str = "SPDX-2.3"
) -> Descriptor:
    """An SBOM, attached as clients do where a registry does not list referrers itself."""
    sbom = sbom_of(store, subject, text)
    push(store, sbom, reference(host, name, "sbom"))
    value = {"schemaVersion": 2, "mediaType": oci.INDEX, "manifests": [listed(sbom)]}
    answer = httpx.put(
        f"http://{host}/v2/{name}/manifests/{referrers_tag(subject)}",
        content=oci.encode(value),
        headers={"Content-Type": oci.INDEX},
    )
    assert answer.status_code == 201, answer.text
    return sbom


def attached(host: str, name: str, subject: Descriptor) -> list[dict[str, object]]:
    """As the tag that stands for the registry's own list has it."""
    tag = reference(host, name, referrers_tag(subject))
    with Registry(tag) as there:
        found: list[dict[str, object]] = json.loads(there.manifest(tag)[1])["manifests"]
        return found


def digest_at(host: str, name: str, tag: str) -> str | None:
    with Registry(reference(host, name)) as there:
        return there.digest(reference(host, name, tag))


def read_back(host: str, name: str, store: Layout, image: Descriptor) -> None:
    """Every manifest and blob, byte for byte."""
    for part in store.walk(image):
        kind = "blobs"
        if part.media_type in (oci.INDEX, oci.MANIFEST):
            kind = "manifests"
        answer = httpx.get(
            f"http://{host}/v2/{name}/{kind}/{part.digest}", headers={"Accept": part.media_type}
        )
        assert answer.status_code == 200, part
        assert "sha256:" + hashlib.sha256(answer.content).hexdigest() == part.digest


def tags(host: str, name: str) -> list[str]:
    answer = httpx.get(f"http://{host}/v2/{name}/tags/list")
    return answer.json().get("tags") or [] if answer.status_code == 200 else []


def test_a_port_that_somebody_else_took_is_not_the_registrys_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = iter([taken.getsockname()[1], free_port()])
        monkeypatch.setattr("tests.support.registry.free_port", lambda: next(ports))
        with registry(tmp_path) as host:
            assert httpx.get(f"http://{host}/v2/").status_code == 200


def test_an_index_is_copied_whole_with_what_is_attached_to_its_images(
    dev: str, prod: str, store: Layout
):
    both = index(store, 100)
    push(store, both, reference(dev, "whole"))
    amd64 = store.children(both)[0]
    sbom = attach(store, dev, "whole", amd64)
    (done,) = copied(wanted(dev, prod, "whole", both))
    assert done.digest == both.digest
    read_back(prod, "whole", store, both)
    read_back(prod, "whole", store, sbom)
    assert attached(prod, "whole", amd64) == [listed(sbom)]
    assert digest_at(prod, "whole", "1.0.0") == both.digest


def test_what_prod_has_attached_itself_stays(dev: str, prod: str, store: Layout):
    one = image(store, 105)
    for host in (dev, prod):
        push(store, one, reference(host, "own"))
    theirs, ours = attach(store, dev, "own", one), attach(store, prod, "own", one, "SPDX-3.0")
    copied(wanted(dev, prod, "own", one))
    assert attached(prod, "own", one) == [listed(ours), listed(theirs)]
    read_back(prod, "own", store, theirs)


def test_an_attached_signature_has_what_is_attached_to_it(dev: str, prod: str, store: Layout):
    one = image(store, 106)
    push(store, one, reference(dev, "nested"))
    sbom = attach(store, dev, "nested", one)
    signature = attach(store, dev, "nested", sbom, "signed")
    copied(wanted(dev, prod, "nested", one))
    assert attached(prod, "nested", sbom) == [listed(signature)]
    read_back(prod, "nested", store, signature)


def test_tags_that_cosign_makes_of_a_digest_come_along(dev: str, prod: str, store: Layout):
    one, signature = image(store, 107), image(store, 108)
    push(store, one, reference(dev, "signed"))
    tag = f"{referrers_tag(one)}.sig"
    push(store, signature, reference(dev, "signed", tag))
    copied(wanted(dev, prod, "signed", one))
    assert digest_at(prod, "signed", tag) == signature.digest


def test_a_registry_that_lists_what_is_attached_is_asked_with_the_login(
    dev_front: Front, prod: str, store: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    one = image(store, 109)
    sbom = sbom_of(store, one)
    for what, tag in ((one, "1"), (sbom, "sbom")):
        push(store, what, reference(dev_front.behind, "listed", tag))
    file = tmp_path / "auth.json"
    file.write_text(json.dumps({"auths": {dev_front.host: {"auth": "YWRhOnNlY3JldA=="}}}))
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(file))

    def fault(request: Request) -> bool:
        login = request.headers.get("Authorization", "")
        if request.path.startswith("/token"):
            assert login == "Basic YWRhOnNlY3JldA=="
            request.answer(200, b'{"token": "t"}')
        elif login != "Bearer t":
            realm = f'Bearer realm="http://{dev_front.host}/token",service="test"'
            request.answer(401, WWW_Authenticate=realm)
        elif request.path == f"/v2/listed/referrers/{one.digest}":
            request.answer(200, oci.encode({"manifests": [listed(sbom)]}))
        elif "/referrers/" in request.path:
            request.answer(200, oci.encode({"manifests": []}))
        else:
            return False
        return True

    dev_front.fault = fault
    copied(wanted(dev_front.host, prod, "listed", one))
    assert attached(prod, "listed", one) == [listed(sbom)]
    read_back(prod, "listed", store, sbom)


def test_a_registry_that_does_not_say_what_is_attached_is_not_taken_for_one_without(
    dev_front: Front, prod: str, store: Layout
):
    one = image(store, 104)
    push(store, one, reference(dev_front.behind, "closed"))

    def fault(request: Request) -> bool:
        if refuse := "/referrers/" in request.path:
            request.answer(403)
        return refuse

    dev_front.fault = fault
    with pytest.raises(RegistryError, match="403 to the question what is attached"):
        copied(wanted(dev_front.host, prod, "closed", one))
    assert tags(prod, "closed") == []


def test_a_repeat_copies_nothing(dev: str, prod: str, store: Layout):
    one = image(store, 110)
    push(store, one, reference(dev, "repeat"))
    (first,) = copied(wanted(dev, prod, "repeat", one))
    (again,) = copied(wanted(dev, prod, "repeat", one))
    # The layer that all these images have may be mounted from another repository.
    assert (first.copied_blobs, first.skipped_blobs) in [(4, 0), (3, 1)]
    assert first.bytes > 2_500_000
    assert (again.copied_blobs, again.skipped_blobs, again.bytes) == (0, 4, 0)


def test_progress_ends_at_what_was_expected(dev: str, prod: str, store: Layout):
    one, expected, done = index(store, 115), list[int](), list[int]()
    push(store, one, reference(dev, "progress"))
    what = wanted(dev, prod, "progress", one)
    with Registry(what.source) as source, Registry(what.target) as target:
        for _ in range(2):
            copy_images([what], source, target, done.append, expected.append)
            assert sum(done) == sum(expected) > 5_000_000
    assert len(done) > 7, "it is told blob by blob"


def test_what_two_images_share_crosses_once_and_is_mounted(
    dev: str, prod_front: Front, store: Layout
):
    one, two = image(store, 120), image(store, 121)
    for name, which in (("share/one", one), ("share/two", two)):
        push(store, which, reference(dev, name))
    done = copied(
        wanted(dev, prod_front.host, "share/one", one),
        wanted(dev, prod_front.host, "share/two", two),
    )
    assert sum(image.copied_blobs for image in done) == 7
    assert sum(image.skipped_blobs for image in done) == 1
    uploads = [line for line in prod_front.requests if line.startswith("PATCH")]
    assert len(uploads) == 7


def test_manifests_come_after_blobs_and_tags_come_last(dev: str, prod_front: Front, store: Layout):
    images = {"order/one": index(store, 130), "order/two": image(store, 140)}
    for name, which in images.items():
        push(store, which, reference(dev, name))
    copied(*(wanted(dev, prod_front.host, name, which) for name, which in images.items()))
    puts = [line for line in prod_front.requests if line.startswith("PUT")]
    manifests = [line.rpartition("/")[2] for line in puts if "/manifests/" in line]
    both = images["order/one"]
    children = [child.digest for child in store.children(both)]
    assert manifests[:3] == [*children, both.digest]
    assert manifests[3:] == [images["order/two"].digest, "1.0.0", "1.0.0"]
    assert [line for line in puts[-3:] if "/blobs/" in line] == []


def test_a_source_that_stays_cut_off_is_given_up_and_nothing_is_tagged(
    dev_front: Front, prod: str, store: Layout
):
    one = image(store, 170)
    push(store, one, reference(dev_front.behind, "gone"))
    large = largest(store, one)

    def fault(request: Request) -> bool:
        if request.command == "GET" and large.digest in request.path:
            request.close_connection = True
            return True
        return False

    dev_front.fault = fault
    with pytest.raises(RegistryError, match="does not answer"):
        copied(wanted(dev_front.host, prod, "gone", one))
    assert tags(prod, "gone") == []


@pytest.mark.parametrize(
    ("name", "edit"),
    [("lies", lambda body: b"!" + body[1:]), ("longer", lambda body: body + b"!")],
)
def test_a_source_that_lies_is_caught_before_anything_is_stored(
    dev_front: Front, prod: str, store: Layout, name: str, edit: Callable[[bytes], bytes]
):
    one = image(store, 180)
    push(store, one, reference(dev_front.behind, name))
    large = largest(store, one)

    def fault(request: Request) -> bool:
        if request.command == "GET" and large.digest in request.path:
            request.pass_on(dev_front.behind, edit)
            return True
        return False

    dev_front.fault = fault
    with pytest.raises(ImageError, match=rf"{name}@.*: {large.digest} arrived as "):
        copied(wanted(dev_front.host, prod, name, one))
    assert tags(prod, name) == []
    assert httpx.head(f"http://{prod}/v2/{name}/blobs/{large.digest}").status_code == 404


@pytest.mark.parametrize("faulty", ["/manifests/", "/blobs/uploads/"])
def test_a_registry_that_fails_once_is_asked_again(
    dev: str, prod_front: Front, store: Layout, faulty: str
):
    name = f"again{len(faulty)}"
    one = image(store, 200)
    push(store, one, reference(dev, name))
    failed: list[str] = []

    def fault(request: Request) -> bool:
        if failed or faulty not in request.path:
            return False
        failed.append(request.path)
        request.rfile.read(int(request.headers.get("Content-Length", 0)))
        request.answer(500)
        return True

    prod_front.fault = fault
    copied(wanted(dev, prod_front.host, name, one))
    assert failed
    assert tags(prod_front.behind, name) == ["1.0.0"]


def test_a_target_that_is_full_is_told_in_its_words(dev: str, prod_front: Front, store: Layout):
    one = image(store, 190)
    push(store, one, reference(dev, "quota"))

    def fault(request: Request) -> bool:
        if request.command == "POST":
            request.answer(403, b'{"errors": [{"code": "DENIED", "message": "quota exceeded"}]}')
            return True
        return False

    prod_front.fault = fault
    with pytest.raises(RegistryError, match=r"the registry refuses .*quota exceeded"):
        copied(wanted(dev, prod_front.host, "quota", one))


def test_a_tag_that_names_another_image_is_not_moved_before_all_is_there(
    dev: str, prod_front: Front, store: Layout
):
    old, new = image(store, 200), image(store, 201)
    push(store, old, reference(prod_front.behind, "moving", "1.0.0"))
    push(store, new, reference(dev, "moving"))

    def fault(request: Request) -> bool:
        if request.command == "PUT" and "/blobs/" in request.path:
            request.answer(403)
            return True
        return False

    prod_front.fault = fault
    with pytest.raises(RegistryError, match="refuses"):
        copied(wanted(dev, prod_front.host, "moving", new))
    assert digest_at(prod_front.behind, "moving", "1.0.0") == old.digest


def largest(store: Layout, image: Descriptor) -> Descriptor:
    return max(store.children(image), key=lambda part: part.size)
