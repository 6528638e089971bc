"""`slipway migrate` on images as strangers have them, run as a pod would, behind a real hub."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from slipway.images.migrate.derive import JUPYTER
from slipway.images.oci.descriptors import DOCKER_MANIFEST
from slipway.images.oci.filesystem import FileSystem
from slipway.images.oci.image import Image, load_image
from slipway.images.oci.layout import Layout
from slipway.model import load
from tests.images.conftest import Images
from tests.support import old_images, vscode
from tests.support.local import ROOT, SLIPWAY, Hub, make_project, running_hub
from tests.support.old_images import PASSWORD, SETTINGS
from tests.support.registry import free_port, registry

_POD = """\
#!/bin/sh
export {environment}
# A user's pod, as packages/hub/slipway_hub/kubespawner_config.py makes it.
mkdir -p {homes}/$JUPYTERHUB_USER && chown 1000:1000 {homes}/$JUPYTERHUB_USER
exec podman run --rm --replace --name {prefix}-$JUPYTERHUB_USER --pull=never \\
    --read-only --cap-drop=all --security-opt=no-new-privileges --user=1000:1000 \\
    --tmpfs=/tmp --tmpfs=/dev/shm --volume={homes}/$JUPYTERHUB_USER:{home} \\
    --env=HOME={home} --workdir={home} --env='JUPYTERHUB_*' --env=JPY_API_TOKEN \\
    --entrypoint='["/opt/jupyter/bin/python", "-m", "slipway_notebook.start"]' {image}
"""


@dataclass
class Project:
    """A project folder whose local store has the image `jupyter`."""

    folder: Path

    def migrate(self, *arguments: str) -> dict[str, Any]:
        done = self.try_to_migrate(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        value: dict[str, Any] = json.loads(done.stdout)
        return value

    def try_to_migrate(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [SLIPWAY, "migrate", *arguments, f"--project={self.folder}"],
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def store(self) -> Path:
        return self.folder / ".slipway/oci"

    def image(self, name: str) -> Image:
        layout = Layout(self.store)
        found = layout.resolve(name)
        assert found
        return load_image(layout, found)

    @contextmanager
    def hub(self, image: str, home: str) -> Iterator[Hub]:
        """The project's hub, whose servers are containers of this image."""
        script, homes = self.folder / "pod.sh", self.folder / "volumes"
        prefix = f"slipway-test-{os.getpid()}"
        # The hub hands none of its own variables on.
        names = ("CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF")
        environment = " ".join(f"{name}={os.environ[name]}" for name in names)
        script.write_text(
            _POD.format(homes=homes, prefix=prefix, home=home, image=image, environment=environment)
        )
        script.chmod(0o755)
        local = self.folder / "environments/local.yaml"
        command = json.dumps({"Spawner": {"cmd": [str(script)]}})
        local.write_text(f"{local.read_text()}\nextra_config: {command}\n")
        try:
            with running_hub(self.folder) as hub:
                yield hub
        finally:
            names = old_images.run("podman", "ps", "-aq", f"--filter=name={prefix}")
            if names:
                old_images.run("podman", "rm", "-f", *names.split())


@pytest.fixture
def project(tmp_path: Path, images: Images) -> Project:
    made = Project(make_project(tmp_path / "project"))
    made.store.parent.mkdir()
    jupyter = f"oci:{images.store.folder}:jupyter:{images.record('jupyter')['tag']}"
    target = f"oci:{made.store}:{JUPYTER}"
    old_images.run("skopeo", "copy", "--preserve-digests", jupyter, target)
    return made


@pytest.fixture(scope="session")
def archive(base: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """VS Code, as `docker save` writes it."""
    reference = old_images.code_server(base, tmp_path_factory.mktemp("old-vscode"))
    file = tmp_path_factory.mktemp("archive") / "team-vscode.tar"
    source = f"containers-storage:{reference}:latest"
    old_images.run("skopeo", "copy", source, f"docker-archive:{file}:o:1")
    return file


@pytest.fixture(scope="session")
def old_rstudio(base: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    return old_images.rstudio(base, tmp_path_factory.mktemp("old-rstudio"))


def test_vs_code_opens_behind_the_hub_with_its_settings(
    project: Project, archive: Path, tmp_path: Path
):
    output = tmp_path / "new.tar"
    made = project.migrate(str(archive), "--write", f"--output={output}")
    assert made["found"]["editor"] == {
        "kind": "code-server", "program": "/opt/vs/bin/code-server", "version": _version(),
    }  # fmt: skip
    assert PASSWORD not in json.dumps(made)
    assert subprocess.run([SLIPWAY, "check", f"--project={project.folder}"]).returncode == 0
    image = old_images.run("podman", "load", "-q", "-i", str(output)).split()[-1]
    with project.hub(image, "/home/dev") as hub:
        user = hub.user("ada")
        page = user.visit("/team-vscode")
        assert page.status_code == 200, page.text
        prefix = f"/user/ada/{made['catalog']['profiles']['team-vscode']['app']}/"
        assert str(page.url.copy_with(query=None)).endswith(prefix)
        assert page.url.params["folder"] == "/home/dev/work"
        assert "Old Team" in page.text, "the name that its command line gives"
        (static,) = set(re.findall(r"(?:stable|oss-dev|insider)-[0-9a-f]+", page.text))
        with vscode.management(user, f"{prefix}{static}") as connection:
            assert vscode.greet(connection) == "sign"
        settings = user.get(
            f"{prefix}{static}/vscode-remote-resource",
            params={"path": "/home/dev/.local/share/code-server/User/settings.json"},
        )
        assert settings.status_code == 200, settings.text
        assert settings.json() == SETTINGS
        home = project.folder / "volumes/ada"
        assert (home / ".netrc").stat().st_mode & 0o777 == 0o600
        assert (home / ".outside").readlink() == Path("/etc/passwd")
        assert (home / ".local/share/code-server/extensions/acme.hello-1.0.0").is_dir()

        (home / ".bashrc").unlink()
        (home / "work/hello.py").write_text("print('changed')\n")
        user.stop()
        user.visit("/team-vscode")
        assert not (home / ".bashrc").exists(), "a home is filled once"
        assert (home / "work/hello.py").read_text() == "print('changed')\n"


def _version() -> str:
    package = json.loads((ROOT / "images/code-server/package.json").read_text())
    return str(package["dependencies"]["code-server"])


def test_rstudio_opens_behind_the_hub(project: Project, old_rstudio: str, tmp_path: Path):
    layout, output = tmp_path / "layout", tmp_path / "new.tar"
    old_images.run(
        "skopeo", "copy", f"containers-storage:{old_rstudio}:latest", f"oci:{layout}:old"
    )
    made = project.migrate(str(layout), "--name=analysts", "--write", f"--output={output}")
    taken_over = " ".join(made["found"]["taken_over"])
    assert "www-port (8787)" in taken_over
    image = old_images.run("podman", "load", "-q", "-i", str(output)).split()[-1]
    with project.hub(image, "/home/analyst") as hub:
        answer = hub.user("ada").visit("/analysts")
        assert answer.status_code == 200, answer.text
        assert "stand-in for rserver" in answer.text
        assert (project.folder / "volumes/ada/R/library/ours").is_dir()


def test_nothing_of_the_image_changes(project: Project, archive: Path, tmp_path: Path):
    output = tmp_path / "new.tar"
    project.migrate(str(archive), f"--output={output}")
    assert project.image("team-vscode").descriptor.media_type == DOCKER_MANIFEST
    before = old_images.configuration(f"docker-archive:{archive}")
    after = old_images.configuration(f"docker-archive:{output}")
    assert {**after, "Labels": None} == {**before, "Labels": None}
    was, now = (
        checksums(project, old_images.run("podman", "load", "-q", "-i", str(file)))
        for file in (archive, output)
    )
    assert len(was) > 5000
    assert {path: now.get(path) for path in was} == was
    added = {path for path in now.keys() - was.keys() if not path.startswith("./opt/jupyter")}
    assert added == set()


def checksums(project: Project, loaded: str) -> dict[str, str]:
    """Of every file of an image: content, owner, mode; of every link where it leads."""
    image = loaded.split()[-1]
    mounted = old_images.run("podman", "image", "mount", image)
    try:
        files = old_images.run(
            "sh", "-c", 'cd "$0" && find . -type f -print0 | xargs -0 sha256sum', mounted
        )
        found = {
            path: digest for digest, _, path in (f.partition("  ") for f in files.splitlines())
        }
        rest = old_images.run(
            "sh", "-c", r'cd "$0" && find . ! -type d -printf "%p\t%m %U:%G %s %l\n"', mounted
        )
        for line in rest.splitlines():
            path, _, told = line.partition("\t")
            found[path] = f"{found.get(path, '')} {told}"
        return found
    finally:
        old_images.run("podman", "image", "umount", image)


def test_the_same_image_from_everywhere_becomes_the_same(
    project: Project, archive: Path, tmp_path: Path
):
    compressed = tmp_path / "old.tar.gz"
    with compressed.open("wb") as file:
        subprocess.run(["gzip", "-1", "-c", str(archive)], stdout=file, check=True)
    both = {project.migrate(str(path), "--name=old")["digest"] for path in (archive, compressed)}
    assert len(both) == 1
    layout = tmp_path / "layout"
    old_images.run("skopeo", "copy", f"docker-archive:{archive}", f"oci:{layout}:old")
    project.migrate(str(layout), "--name=other")
    one, other = (FileSystem(project.image(name)) for name in ("old", "other"))
    skel = "/opt/jupyter/share/slipway/skel"
    assert [path for path, _ in one.under(skel)] == [path for path, _ in other.under(skel)]


def test_from_a_registry_and_back_to_it(project: Project, archive: Path, tmp_path: Path):
    with registry(tmp_path / "registry") as host:
        old_images.run(
            "skopeo", "copy", "--dest-tls-verify=false", f"docker-archive:{archive}",
            f"docker://{host}/team/vscode:1",
        )  # fmt: skip
        made = project.migrate(f"{host}/team/vscode:1", "--write", f"--push={host}/team/migrated:1")
        pushed = old_images.run(
            "skopeo", "inspect", "--tls-verify=false", "--format={{.Digest}}",
            f"docker://{host}/team/migrated:1",
        )  # fmt: skip
        assert pushed == made["digest"]
        reference = f"{host}/team/migrated@{pushed}"
        assert load(project.folder).catalog.images["vscode-2"].reference == reference
        missing = project.try_to_migrate(f"{host}/team/none:1")
        assert missing.returncode == 2
        assert len(missing.stderr.strip().splitlines()) == 2, "progress, and one error"


def test_an_image_that_is_refused_leaves_nothing(project: Project, tmp_path: Path):
    before = (project.folder / "catalog.yaml").read_text()
    broken = tmp_path / "broken.tar"
    broken.write_bytes(b"no image")
    for image in (str(broken), str(tmp_path / "missing.tar"), str(tmp_path)):
        done = project.try_to_migrate(image, "--write", f"--output={tmp_path / 'out.tar'}")
        assert done.returncode == 2
        assert len(done.stderr.strip().splitlines()) == 2, "progress, and one error"
        assert "Traceback" not in done.stderr
    assert not (tmp_path / "out.tar").exists()
    assert set(Layout(project.store).names()) == {JUPYTER}
    assert (project.folder / "catalog.yaml").read_text() == before


def test_a_registry_that_is_away_is_no_fault_of_the_image(project: Project):
    done = project.try_to_migrate(f"127.0.0.1:{free_port()}/team/vscode:1")
    assert done.returncode == 1
    assert "does not answer" in done.stderr
    assert "Traceback" not in done.stderr
