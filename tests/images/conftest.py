"""The images under test, built by `slipway build` when one is first asked for.

Podman and buildah keep what they build in `.slipway/containers`: the next run begins with it.
"""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slipway.images.oci.descriptors import Descriptor
from slipway.images.oci.layout import Layout
from slipway.installation import STORE
from tests.support import containers, rserver_deb, systems
from tests.support.local import ROOT, SLIPWAY, Hub, make_project

MARK = "\n# Handed to the build by a test: nothing of it may stay.\n"
USERS = ("code-server", "streamlit", "rstudio")
AUTHORITIES = Path(os.environ.get("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt"))

CONTAINERS = """\
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[containers]
netns = "host"
default_ulimits = ["nofile=16384:16384", "nproc=16384:16384"]
"""

STORAGE = """\
[storage]
driver = "overlay"
graphroot = "{folder}/graph"
runroot = "{folder}/run"
"""


def pytest_configure() -> None:
    folder = ROOT / ".slipway/containers"
    folder.mkdir(parents=True, exist_ok=True)
    for variable, text in (
        ("CONTAINERS_CONF", CONTAINERS),
        ("CONTAINERS_STORAGE_CONF", STORAGE.format(folder=folder)),
    ):
        if variable not in os.environ:
            file = folder / f"{variable.lower()}.toml"
            file.write_text(text)
            os.environ[variable] = str(file)


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The outside base of all images: `SLIPWAY_TEST_BASE`, or a Debian like trixie-slim."""
    return os.environ.get("SLIPWAY_TEST_BASE") or systems.debian(
        "trixie", tmp_path_factory.mktemp("base")
    )


class Images:
    """A project that builds the images of the catalog, with a stand-in for RStudio's package."""

    def __init__(self, base: str, folder: Path) -> None:
        self.project = make_project(folder / "project")
        self.store = Layout(self.project / STORE)
        self._base = base
        self._built: dict[str, dict[str, Any]] = {}
        self._authorities = folder / "authorities.pem"
        known = AUTHORITIES.read_text() if AUTHORITIES.exists() else ""
        self._authorities.write_text(known + MARK)
        own = self.project / "images/rstudio"
        shutil.copytree(ROOT / "images/rstudio", own)
        self._deb = rserver_deb.make(folder)
        shutil.copy(self._deb, own)

    def __getitem__(self, name: str) -> str:
        """The image, by its id in the builder's storage."""
        config = Descriptor.from_json(self.store.json(self.descriptor(name))["config"])
        return config.digest.removeprefix("sha256:")

    def descriptor(self, name: str) -> Descriptor:
        built = self.record(name)
        found = self.store.resolve(f"{name}:{built['tag']}")
        assert found
        return found

    def record(self, name: str) -> dict[str, Any]:
        """What `slipway build --json` says of an image."""
        if not self._built:
            done = self.build("--json")
            assert done.returncode == 0, done.stderr
            self._built = {image["name"]: image for image in json.loads(done.stdout)["images"]}
        return self._built[name]

    def build(self, *words: str, **arguments: str) -> "subprocess.CompletedProcess[str]":
        """`slipway build`, with other values of ARGs; an empty one leaves it out."""
        checksum = hashlib.sha256(self._deb.read_bytes()).hexdigest()
        rstudio = {"RSTUDIO_DEB": self._deb.name, "RSTUDIO_SHA256": checksum}
        given = {"BASE": self._base, **rstudio, **arguments}
        return subprocess.run(
            [
                *(SLIPWAY, "build", *words, f"--project={self.project}"),
                *(f"--arg={name}={value}" for name, value in given.items() if value),
            ],
            env=os.environ | {"SSL_CERT_FILE": str(self._authorities)},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="session")
def images(base: str, tmp_path_factory: pytest.TempPathFactory) -> Images:
    return Images(base, tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="session")
def hub(images: Images, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub whose profiles are the catalog's images."""
    with containers.running_hub(
        tmp_path_factory.mktemp("hub"), {name: images[name] for name in USERS}
    ) as hub:
        yield hub
