"""`slipway build` on a small project, with the builders that are here."""

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from slipway.images.oci.layout import Layout
from slipway.installation import STORE
from slipway.model import load
from tests.support import docker_stand_in
from tests.support.local import ROOT, SLIPWAY
from tests.support.registry import Front, Request, registry
from tests.support.releases import git

ONE = """\
ARG BASE=nowhere.invalid/base
FROM ${BASE}
RUN --mount=type=secret,id=ca,target=/run/secrets/ca.crt echo one > /one; mkdir -p /var/tmp/a \\
    && head -c 2000000 /dev/urandom | sha256sum > /dev/null
COPY data.txt /data.txt
COPY --chmod=644 jupyter_server_config.json /etc/jupyter_server_config.json
"""
TWO = "ARG ONE\nFROM ${ONE}\nRUN cp /one /two\n"
HUB = "ARG BASE\nFROM ${BASE}\nRUN echo hub > /hub\n"
CATALOG: dict[str, Any] = {
    "apps": {"code": {"kind": "code-server", "title": "Editor"}},
    "images": {"one": {"apps": ["code"]}, "two": {"apps": ["code"]}},
    "profiles": {"code": {"title": "Code", "image": "two"}},
}


class Project:
    def __init__(self, root: Path, base: str) -> None:
        self.root, self.base = root, base
        for name, text in {"one": ONE, "two": TWO, "hub": HUB, "proxy": HUB}.items():
            self.dockerfile(name).parent.mkdir(parents=True)
            self.dockerfile(name).write_text(text)
        (root / "images/one/data.txt").write_text("data\n")
        shutil.copytree(ROOT / "environments", root / "environments")
        self.catalog(CATALOG)

    def dockerfile(self, name: str) -> Path:
        return self.root / f"images/{name}/Dockerfile"

    def catalog(self, value: dict[str, Any]) -> None:
        (self.root / "catalog.yaml").write_text(json.dumps(value))

    def pushes_to(self, host: str) -> None:
        kube = (self.root / "environments/kube.yaml").read_text()
        lines = [f"registry: {host}/team" if "registry:" in li else li for li in kube.splitlines()]
        (self.root / "environments/kube.yaml").write_text("\n".join(lines) + "\n")

    def run(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [SLIPWAY, "build", "--no-sbom", f"--arg=BASE={self.base}", *arguments],
            cwd=self.root,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def build(self, *arguments: str, **environment: str) -> dict[str, Any]:
        """What `--json` says of each image, by name."""
        done = self.run("--json", *arguments, **environment)
        assert done.returncode == 0, done.stderr
        return {image["name"]: image for image in json.loads(done.stdout)["images"]}

    @property
    def store(self) -> Layout:
        return Layout(self.root / STORE)


@pytest.fixture
def project(tmp_path: Path, base: str) -> Project:
    return Project(tmp_path / "project", base)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[str]:
    with registry(tmp_path / "registry") as host:
        yield host


def built(images: dict[str, Any]) -> set[str]:
    return {name for name, image in images.items() if image["built"]}


def test_a_second_run_builds_nothing(project: Project):
    first = project.build()
    assert built(first) == {"hub", "proxy", "one", "two"}
    again = project.build()
    assert built(again) == set()
    assert {n: i["digest"] for n, i in again.items()} == {n: i["digest"] for n, i in first.items()}
    for name, image in first.items():
        record = json.loads((project.root / f".slipway/builds/{name}.json").read_text())
        assert record["digest"] == image["digest"]
        assert image["compressed_bytes"] == sum(layer["size"] for layer in image["layers"])


def test_only_what_changed_and_what_is_built_on_it_is_built(project: Project):
    first = project.build()
    changed = json.loads(json.dumps(CATALOG))
    changed["apps"]["code"]["title"] = "Another title"
    project.catalog(changed)
    again = project.build()
    assert built(again) == {"one", "two"}
    # What lies below the changed layer is the same to the byte: nobody pulls it again.
    assert again["one"]["layers"][:-1] == first["one"]["layers"][:-1]


def test_two_builds_without_a_cache_have_one_digest(project: Project):
    first = project.build("two", "--no-cache")
    assert built(project.build("two", "--no-cache")) == {"one", "two"}
    assert project.build("two")["two"]["digest"] == first["two"]["digest"]


def test_the_time_of_everything_is_the_one_that_is_asked_for(project: Project):
    one = project.build("one", SOURCE_DATE_EPOCH="1700000000")["one"]
    store = project.store
    image = store.resolve(f"one:{one['tag']}")
    assert image
    config = store.json(store.children(image)[0])
    assert config["created"] == "2023-11-14T22:13:20Z"
    assert project.run("one", SOURCE_DATE_EPOCH="yesterday").returncode == 2


def test_what_was_built_and_pushed_can_be_released(project: Project, host: str):
    project.pushes_to(host)
    for environment in ("dev", "prod"):
        (project.root / f"environments/{environment}.yaml").unlink()
    (project.root / ".gitignore").write_text(".slipway/\n")
    git(project.root, "init", "-q")
    git(project.root, "add", "-A")
    git(project.root, "commit", "-q", "-m", "a hub")
    command = [SLIPWAY, "build", f"--arg=BASE={project.base}", "--push", "kube", "--json"]
    subprocess.run(command, cwd=project.root, check=True, capture_output=True, timeout=300)
    release = [SLIPWAY, "release", "1.0.0", "--json"]
    done = subprocess.run(release, cwd=project.root, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)["images"]) == {"hub", "proxy", "one", "two"}
    made = load(project.root).releases["1.0.0"]
    assert set(made.bases) == {"hub", "proxy", "one"}
    assert all("@sha256:" in base for base in made.bases.values())
    assert set(made.sboms) == {"hub", "proxy", "one", "two"}
    # Another file in the image: what is in the registry is not what it says any more.
    (project.root / "images/one/data.txt").write_text("other\n")
    git(project.root, "commit", "-aqm", "a change")
    release[2] = "1.1.0"
    done = subprocess.run(release, cwd=project.root, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1
    assert "image one was built from other files" in done.stderr
    assert "image two is built on one, which was built from other files" in done.stderr


def test_an_image_whose_blobs_were_deleted_is_built_again(project: Project):
    one = project.build("one")["one"]
    project.store.path(one["layers"][-1]["digest"]).unlink()
    assert built(project.build("one")) == {"one"}


def test_a_bill_of_materials_is_written_per_image(project: Project):
    done = subprocess.run(
        [SLIPWAY, "build", "one", "--json", f"--arg=BASE={project.base}"],
        cwd=project.root,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    (one,) = json.loads(done.stdout)["images"]
    bill = json.loads((project.root / one["sbom"]).read_text())
    assert bill["bomFormat"] == "CycloneDX"
    assert "dpkg" in {part["name"] for part in bill["components"]}


def test_certificates_of_the_network_leave_no_trace(project: Project, tmp_path: Path):
    authorities = tmp_path / "authorities.pem"
    authorities.write_text("# slipway-test-marker\n")
    one = ONE.replace("echo one > /one;", "grep -q slipway-test-marker /run/secrets/ca.crt;")
    project.dockerfile("one").write_text(one)
    image = project.build("one", "--no-cache", SSL_CERT_FILE=str(authorities))["one"]
    for layer in image["layers"]:
        with gzip.open(project.store.path(layer["digest"])) as file:
            assert b"slipway-test-marker" not in file.read()
        with tarfile.open(project.store.path(layer["digest"])) as archive:
            assert not [name for name in archive.getnames() if "run/secrets/" in name]


def test_a_build_that_fails_shows_its_last_lines_and_the_rest_goes_on(project: Project):
    project.dockerfile("one").write_text(ONE.replace("echo one", "echo the reason; exit 3"))
    done = project.run("--json")
    assert done.returncode == 1
    said = json.loads(done.stdout)
    assert {image["name"] for image in said["images"]} == {"hub", "proxy"}
    failures = {failure["name"]: failure["message"] for failure in said["failures"]}
    assert "the reason" in failures["one"]
    assert ".slipway/builds/one.log" in failures["one"]
    assert failures["two"] == "it is built on one, which failed"
    assert "Traceback" not in done.stderr
    project.dockerfile("one").write_text(ONE)
    assert built(project.build()) == {"one", "two"}


def test_a_base_that_is_not_there_is_told_with_the_remedy(project: Project):
    project.base = "localhost/no-such-base:1"
    done = project.run("one")
    assert done.returncode == 1
    assert "localhost/no-such-base:1 cannot be had" in done.stderr
    assert "--arg BASE=" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_image_that_lacks_an_argument_is_left_out_or_refused(project: Project):
    project.dockerfile("two").write_text("ARG ONE\nFROM ${ONE}\nARG LICENCE\nRUN test $LICENCE\n")
    done = project.run("--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["skipped"] == [{"name": "two", "reason": "needs LICENCE"}]
    for arguments in (["two"], ["--push", "kube"]):
        refused = project.run(*arguments)
        assert refused.returncode == 1
        assert "images.two.arguments, or as --arg LICENCE=…" in refused.stderr
    assert project.run("two", "--arg", "LICENCE=1").returncode == 0


def test_a_machine_without_a_builder_is_told_how_to_get_one(project: Project, tmp_path: Path):
    done = project.run("one", PATH=str(tmp_path))
    assert done.returncode == 1
    assert "apt install buildah" in done.stderr
    assert project.run("one", "--builder", "kaniko").returncode == 1


def test_podman_builds_what_buildah_builds(project: Project):
    by_buildah = project.build("two", "--builder", "buildah", "--no-cache")
    by_podman = project.build("two", "--builder", "podman", "--no-cache")
    assert by_podman["two"]["digest"] == by_buildah["two"]["digest"]


def test_buildx_is_told_everything(project: Project, tmp_path: Path):
    """Docker's engine cannot be had here: `docker` is a stand-in that builds with buildah."""
    program = tmp_path / "bin/docker"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {docker_stand_in.__file__} "$@"\n')
    program.chmod(0o755)
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    images = project.build("two", PATH=path)
    assert built(images) == {"one", "two"}
    by_buildah = project.build("two", "--builder", "buildah", "--no-cache")
    layers = [layer["digest"] for layer in images["two"]["layers"]]
    assert layers == [layer["digest"] for layer in by_buildah["two"]["layers"]]


def test_what_is_pushed_is_what_was_built_and_goes_once(project: Project, host: str):
    project.pushes_to(host)
    images = project.build("--push", "kube")
    for name, image in images.items():
        for tag in (image["tag"], "working-tree"):
            answer = httpx.head(
                f"http://{host}/v2/team/{name}/manifests/{tag}",
                headers={"Accept": "application/vnd.oci.image.manifest.v1+json"},
            )
            assert answer.headers["Docker-Content-Digest"] == image["digest"]
        assert image["pushed"]["reference"] == f"{host}/team/{name}@{image['digest']}"
    again = project.build("--push", "kube")
    assert all(image["pushed"]["bytes"] == 0 for image in again.values())


def test_a_changed_line_of_configuration_pushes_kilobytes(project: Project, host: str):
    project.pushes_to(host)
    project.build("--push", "kube")
    changed = json.loads(json.dumps(CATALOG))
    changed["apps"]["code"]["title"] = "Another title"
    project.catalog(changed)
    again = project.build("--push", "kube")
    assert 0 < again["one"]["pushed"]["bytes"] < 100_000


def test_a_registry_that_refuses_leaves_no_tag_and_a_second_run_goes_on(
    project: Project, host: str
):
    front = Front(host)
    project.pushes_to(front.host)

    def fault(request: Request) -> bool:
        if request.command == "PUT" and "/team/two/blobs" in request.path:
            request.rfile.read(int(request.headers.get("Content-Length", 0)))
            request.answer(403, b'{"errors": [{"code": "DENIED", "message": "read-only"}]}')
            return True
        return False

    front.fault = fault
    done = project.run("one", "two", "--push", "kube")
    assert done.returncode == 1
    assert "the registry refuses (" in done.stderr
    assert "read-only); log in with `docker login" in done.stderr
    assert "Traceback" not in done.stderr
    assert httpx.get(f"http://{host}/v2/team/two/tags/list").status_code == 404
    front.fault = lambda _: False
    again = project.build("one", "two", "--push", "kube")
    assert again["one"]["pushed"]["bytes"] == 0
    assert again["two"]["pushed"]["copied_blobs"] > 0
    front.close()


def test_an_interrupted_build_ends_its_builder_and_the_next_one_works(project: Project):
    project.dockerfile("one").write_text(ONE.replace("echo one", "echo waiting; sleep 600"))
    process = subprocess.Popen(
        [SLIPWAY, "build", "one", "--no-sbom", f"--arg=BASE={project.base}"],
        cwd=project.root,
        stderr=subprocess.PIPE,
        text=True,
    )
    log = project.root / ".slipway/builds/one.log"
    while not (log.exists() and "waiting" in log.read_text().splitlines()):
        assert process.poll() is None, process.communicate()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert not list(project.store.folder.glob(".alone-*"))
    project.dockerfile("one").write_text(ONE)
    assert built(project.build("one")) == {"one"}


def test_a_full_disk_is_told_and_nothing_half_done_is_kept(project: Project):
    """The disk is a small one in memory, which only root can mount."""
    store = project.root / STORE
    store.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", store]
    subprocess.run(mount, check=True)
    try:
        done = project.run("one")
        assert done.returncode == 1
        assert "no space left on device" in done.stderr
        assert "Traceback" not in done.stderr
        assert not list(store.glob(".alone-*"))
    finally:
        subprocess.run(["umount", store], check=True)
    assert built(project.build("one")) == {"one"}
