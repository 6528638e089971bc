"""Images between two real registries, and through ones that misbehave."""

import hashlib
import itertools
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from slipway.images.oci import descriptors as oci
from slipway.images.oci import registry as client
from slipway.images.oci.copy import Copied, Wanted, _Copier, copy
from slipway.images.oci.descriptors import Descriptor, ImageError
from slipway.images.oci.layout import Layout
from slipway.images.oci.reference import Reference
from slipway.images.oci.registry import Registry, RegistryError, referrers_tag
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


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses between attempts are for networks."""
    monkeypatch.setattr(client.time, "sleep", lambda _: None)


@pytest.fixture
def store(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "store")


def wanted(source: str, target: str, name: str, image: Descriptor) -> Wanted:
    return Wanted(
        name,
        Reference.parse(f"{source}/{name}@{image.digest}"),
        Reference.parse(f"{target}/{name}:1.0.0"),
    )


def copied(*images: Wanted) -> list[Copied]:
    with (
        Registry(images[0].source) as source,
        Registry(images[0].target, push=True) as target,
    ):
        return copy(images, source, target)


def attach(store: Layout, host: str, name: str, subject: Descriptor) -> Descriptor:
    """An SBOM, attached as clients do where a registry does not list referrers itself."""
    layer = store.add(b'{"spdxVersion": "SPDX-2.3"}', SBOM)
    manifest = {
        "schemaVersion": 2,
        "mediaType": oci.MANIFEST,
        "artifactType": SBOM,
        "config": store.add(b"{}", "application/vnd.oci.empty.v1+json").as_json(),
        "layers": [layer.as_json()],
        "subject": subject.as_json(),
    }
    sbom = store.add(oci.encode(manifest), oci.MANIFEST)
    push(store, sbom, reference(host, name, "sbom"))
    listed = {"schemaVersion": 2, "mediaType": oci.INDEX, "manifests": [sbom.as_json()]}
    push(
        store,
        store.add(oci.encode(listed), oci.INDEX),
        reference(host, name, referrers_tag(subject.digest)),
    )
    return sbom


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
    with Registry(reference(prod, "whole")) as there:
        (listed,) = there.referrers(reference(prod, "whole"), amd64.digest)
        assert listed["digest"] == sbom.digest
        assert there.digest(reference(prod, "whole", "1.0.0")) == both.digest


def test_a_repeat_copies_nothing(dev: str, prod: str, store: Layout):
    one = image(store, 110)
    push(store, one, reference(dev, "repeat"))
    (first,) = copied(wanted(dev, prod, "repeat", one))
    (again,) = copied(wanted(dev, prod, "repeat", one))
    assert (first.copied_blobs, first.skipped_blobs) == (4, 0)
    assert first.bytes > 2_800_000
    assert (again.copied_blobs, again.skipped_blobs, again.bytes) == (0, 4, 0)


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
    kinds = ["blob" if "/blobs/" in p else "tag" if p.endswith("1.0.0") else "digest" for p in puts]
    assert kinds == sorted(kinds, key=["blob", "digest", "tag"].index)
    assert kinds.count("tag") == 2


def busy(times: int) -> Iterator[bool]:
    return itertools.chain([True] * times, itertools.repeat(False))


@pytest.mark.parametrize("status", [429, 500, 503])
def test_registries_that_are_busy_are_asked_again(
    dev_front: Front, prod_front: Front, store: Layout, status: int
):
    one, name = image(store, 150 + status), f"busy/{status}"
    push(store, one, reference(dev_front.behind, name))
    for front in (dev_front, prod_front):
        faults = busy(3)

        def fault(request: Request, faults: Iterator[bool] = faults) -> bool:
            if refuse := next(faults):
                request.rfile.read(int(request.headers.get("Content-Length", 0)))
                request.answer(status, Retry_After="0")
            return refuse

        front.fault = fault
    copied(wanted(dev_front.host, prod_front.host, name, one))
    read_back(prod_front.behind, name, store, one)


def test_a_source_that_is_cut_off_is_read_on_from_there(dev_front: Front, prod: str, store: Layout):
    one = image(store, 160)
    push(store, one, reference(dev_front.behind, "cut"))
    large, cuts = largest(store, one), busy(3)

    def fault(request: Request) -> bool:
        if request.command == "GET" and large.digest in request.path and next(cuts):
            request.cut(dev_front.behind, 700_000)
            return True
        return False

    dev_front.fault = fault
    copied(wanted(dev_front.host, prod, "cut", one))
    read_back(prod, "cut", store, one)


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
    with pytest.raises(RegistryError, match=r"does not answer|ended after"):
        copied(wanted(dev_front.host, prod, "gone", one))
    assert tags(prod, "gone") == []


@pytest.mark.parametrize(
    ("name", "edit", "message"),
    [
        ("lies", lambda body: b"!" + body[1:], "arrived as sha256:"),
        ("longer", lambda body: body + b"!", "is longer than its 2,500,000 bytes"),
    ],
)
def test_a_source_that_lies_is_caught_before_anything_is_stored(
    dev_front: Front, prod: str, store: Layout, name: str, edit, message: str
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
    with pytest.raises(ImageError, match=message):
        copied(wanted(dev_front.host, prod, name, one))
    assert tags(prod, name) == []
    with Registry(reference(prod, name)) as there:
        assert not there.has_blob(reference(prod, name), large)


def test_a_target_that_is_full_is_told_in_its_words(dev: str, prod_front: Front, store: Layout):
    one = image(store, 190)
    push(store, one, reference(dev, "quota"))

    def fault(request: Request) -> bool:
        if request.command == "POST":
            request.answer(403, b'{"errors": [{"code": "DENIED", "message": "quota exceeded"}]}')
            return True
        return False

    prod_front.fault = fault
    with pytest.raises(RegistryError, match=r"the registry refuses \(403 quota exceeded\)"):
        copied(wanted(dev, prod_front.host, "quota", one))


def test_one_that_is_refused_ends_the_large_one_that_began_before(
    dev: str, prod_front: Front, store: Layout, tmp_path: Path
):
    one = image(store, 195)
    push(store, one, reference(dev, "ends"))
    what = wanted(dev, prod_front.host, "ends", one)
    began, stopped = threading.Event(), list[bool]()
    with (
        Registry(what.source) as source,
        Registry(what.target, push=True) as target,
        ThreadPoolExecutor(2) as pool,
    ):

        def progress(_: int) -> None:
            """The large one goes on once it is known that another has failed."""
            began.set()
            stopped.append(copier._stopped.wait(20))

        copier = _Copier(source, target, Layout(tmp_path / "manifests"), pool, progress)
        blobs = copier.blobs([copier.read(what)])
        refused = blobs[1][0].digest

        def fault(request: Request) -> bool:
            if refuse := refused in request.path:
                began.wait(20)
                request.answer(403)
            return refuse

        prod_front.fault = fault
        with pytest.raises(RegistryError, match="refuses"):
            copier.send(blobs)
    assert stopped
    assert all(stopped)


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
    with Registry(reference(prod_front.behind, "moving")) as there:
        assert there.digest(reference(prod_front.behind, "moving", "1.0.0")) == old.digest


def largest(store: Layout, image: Descriptor) -> Descriptor:
    return max(store.children(image), key=lambda part: part.size)
