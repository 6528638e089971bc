"""The images themselves: the same twice, small, and with what they need."""

import json

import pytest

from tests.images.conftest import Images

NOTEBOOK, CODE_SERVER = 140e6, 130e6
"""The most compressed bytes: of the notebook image, and of what VS Code adds to it."""


def test_two_builds_without_a_cache_are_one_image(images: Images):
    names = ("jupyter", "notebook", "hub", "proxy")
    first = {name: images.record(name)["digest"] for name in names}
    done = images.build(*names, "--no-cache", "--no-sbom", "--json")
    assert done.returncode == 0, done.stderr
    again = json.loads(done.stdout)["images"]
    assert all(image["built"] for image in again)
    assert {image["name"]: image["digest"] for image in again} == first


def test_images_are_small(images: Images):
    notebook = images.record("notebook")["compressed_bytes"]
    assert notebook <= NOTEBOOK
    assert images.record("code-server")["compressed_bytes"] - notebook <= CODE_SERVER


def test_images_share_what_they_are_built_on(images: Images):
    """A node that has one of them pulls the rest of another."""
    notebook = [layer["digest"] for layer in images.record("notebook")["layers"]]
    for name in ("code-server", "streamlit", "rstudio"):
        layers = [layer["digest"] for layer in images.record(name)["layers"]]
        assert layers[: len(notebook)] == notebook


@pytest.mark.parametrize("name", ["notebook", "hub", "proxy"])
def test_every_image_has_a_bill_of_materials(images: Images, name: str):
    bill = json.loads((images.project / images.record(name)["sbom"]).read_text())
    parts = {part["name"] for part in bill["components"]}
    assert "libc6" in parts
    known = {"notebook": "jupyterlab", "hub": "jupyterhub", "proxy": "configurable-http-proxy"}
    assert known[name] in parts


@pytest.mark.parametrize("name", ["notebook", "code-server", "streamlit", "rstudio", "hub"])
def test_an_image_asks_nothing_of_who_runs_it(images: Images, name: str):
    config = images.store.json(images.store.children(images.descriptor(name))[0])["config"]
    assert config["User"] == "1000:1000"
    assert "Healthcheck" not in config


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"RSTUDIO_DEB": ""}, "needs RSTUDIO_DEB: say it in catalog.yaml"),
        ({"RSTUDIO_SHA256": ""}, "needs RSTUDIO_SHA256: say it in catalog.yaml"),
        ({"RSTUDIO_SHA256": "0" * 64}, "is not RSTUDIO_SHA256: nothing was installed"),
        ({"RSTUDIO_DEB": "other.deb"}, "there is no file 'other.deb' in images/rstudio"),
        ({"RSTUDIO_DEB": "http://example.org/x.deb"}, "give an https address"),
    ],
)
def test_rstudio_is_not_built_without_its_package(
    images: Images, arguments: dict[str, str], said: str
):
    images.record("rstudio")
    done = images.build("rstudio", "--no-sbom", **arguments)
    assert done.returncode == 1
    assert said in done.stderr
