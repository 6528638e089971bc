"""The images under test, built once per run. Podman and buildah keep what they build in
`.slipway/containers`, so that the next run begins with their cache."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.images import building
from tests.support import containers, rserver_deb, systems
from tests.support.local import ROOT, Hub

MARK = "\n# Handed to the build by a test: nothing of it may stay.\n"
USERS = ("code-server", "streamlit", "rstudio")

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
    storage = (
        f'[storage]\ndriver = "overlay"\ngraphroot = "{folder}/graph"\nrunroot = "{folder}/run"\n'
    )
    for variable, text in (
        ("CONTAINERS_CONF", CONTAINERS),
        ("CONTAINERS_STORAGE_CONF", storage),
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
    """References of images, each built when it is first asked for."""

    def __init__(self, base: str, folder: Path) -> None:
        self.base, self.folder, self.built = base, folder, dict[str, str]()
        self.secret = folder / "ca.crt"
        self.secret.write_text((building.CA.read_text() if building.CA.exists() else "") + MARK)
        self.deb = rserver_deb.make(folder)

    def __getitem__(self, name: str) -> str:
        if name not in self.built:
            self.built[name] = self.build(name)
        return self.built[name]

    def arguments(self, name: str) -> dict[str, str]:
        needed = {
            "notebook": ["jupyter"],
            "code-server": ["notebook"],
            "streamlit": ["code-server"],
            "rstudio": ["notebook"],
        }
        arguments = {n.upper().replace("-", "_"): self[n] for n in needed.get(name, ())}
        if name == "rstudio":
            checksum = hashlib.sha256(self.deb.read_bytes()).hexdigest()
            arguments |= {"RSTUDIO_DEB": self.deb.name, "RSTUDIO_SHA256": checksum}
        return {"BASE": self.base, **arguments}

    def build(self, name: str, *options: str, tag: str = "", **other: str) -> str:
        """Build an image again, with other arguments, under another name."""
        context = self.folder / (tag or name).replace("/", "-")
        shutil.rmtree(context, ignore_errors=True)
        building.context(name, context)
        if name == "rstudio":
            shutil.copy(self.deb, context)
        arguments = {k: v for k, v in (self.arguments(name) | other).items() if v}
        return building.build(name, context, arguments, *options, secret=self.secret, tag=tag)


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
