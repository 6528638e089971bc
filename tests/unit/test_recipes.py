"""Which images there are to build, from what, and when one has changed."""

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from slipway import facts
from slipway.images.build import context
from slipway.images.build.context import assemble, content_tag
from slipway.images.build.recipes import Recipe, recipes
from slipway.model import Catalog, InvalidProject
from slipway.model.project import load
from slipway.model.release import built_here
from tests.support.local import ROOT

FROM_BASE = "ARG BASE=docker.io/library/debian:trixie-slim\nFROM ${BASE}\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write(tmp_path, "ours", FROM_BASE)
    write(tmp_path, "on-ours", "ARG OURS\nARG LICENCE\nFROM ${OURS}\nCOPY data.txt /\n")
    (tmp_path / "images/on-ours/data.txt").write_text("data")
    return tmp_path


def write(root: Path, image: str, dockerfile: str) -> None:
    (root / "images" / image).mkdir(parents=True, exist_ok=True)
    (root / "images" / image / "Dockerfile").write_text(dockerfile)


def catalog(**images: dict[str, object]) -> Catalog:
    entries = {name: {"apps": ("lab",), **value} for name, value in images.items()}
    profile = {"title": "A", "image": next(iter(entries))}
    lab = {"lab": {"kind": "jupyterlab"}}
    return Catalog.model_validate({"apps": lab, "images": entries, "profiles": {"a": profile}})


def only(root: Path, name: str, given: Catalog | None = None, **arguments: str) -> Recipe:
    return recipes(root, given or catalog(ours={}), [name], arguments)[name]


def tag(recipe: Recipe, folder: Path, **facts: object) -> str:
    assemble(recipe, folder)
    return content_tag(folder, facts)


def test_parents_are_the_images_that_arguments_name(project: Path):
    found = recipes(project, catalog(ours={}), ["on-ours"], {})
    assert list(found) == ["ours", "on-ours"]
    assert found["on-ours"].parents == ("ours",)
    assert found["ours"].base == "docker.io/library/debian:trixie-slim"
    assert found["on-ours"].base is None


def test_every_image_of_slipway_starts_from_one_outside_image():
    found = load(ROOT).catalog
    every = recipes(ROOT, found, built_here(found), {})
    assert {recipe.base for recipe in every.values() if not recipe.parents} == {
        "docker.io/library/debian:trixie-slim"
    }
    assert {"hub", "proxy", "jupyter", "notebook", "code-server"} <= every.keys()


def test_what_an_environment_pulls_is_built_unless_it_is_elsewhere():
    found = catalog(ours={}, theirs={"reference": "registry.example.org/team/theirs:1"})
    assert built_here(found) == ("hub", "proxy", "ours")


def test_a_projects_image_comes_before_slipways_own(project: Path):
    write(project, "notebook", FROM_BASE)
    assert only(project, "notebook").folder == project / "images/notebook"
    assert only(project, "hub").folder == ROOT / "images/hub"


def test_an_argument_without_a_value_must_be_given(project: Path):
    assert only(project, "on-ours").missing_arguments == ("LICENCE",)
    in_catalog = catalog(**{"on-ours": {"arguments": {"LICENCE": "x"}}})
    assert only(project, "on-ours", in_catalog).missing_arguments == ()
    assert only(project, "on-ours", LICENCE="y").missing_arguments == ()


def test_arguments_of_the_command_line_win_and_go_where_they_are_declared(project: Path):
    in_catalog = catalog(**{"on-ours": {"arguments": {"LICENCE": "x"}}})
    given = {"LICENCE": "y", "BASE": "debian:bookworm-slim"}
    found = recipes(project, in_catalog, ["on-ours"], given)
    assert found["on-ours"].arguments == {"LICENCE": "y"}
    assert found["ours"].base == "debian:bookworm-slim"


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("nonsense", "catalog.yaml:1:1: images: there is no image 'nonsense', there is "),
        ("our", "there is no image 'our', did you mean 'ours'?"),
        ("listed", "images/listed/Dockerfile:1:1: is missing, write it, or say images.listed.ref"),
        ("a", "images/a/Dockerfile:1:1: is built on itself: a → b → a, break it"),
    ],
)
def test_what_cannot_be_built_is_said_with_its_place(project: Path, image: str, message: str):
    write(project, "a", "ARG B\nFROM ${B}\n")
    write(project, "b", "ARG A\nFROM ${A}\n")
    with pytest.raises(InvalidProject) as refused:
        recipes(project, catalog(listed={}), [image], {})
    assert message in str(refused.value)


def test_a_dockerfile_gets_the_server_configuration_it_copies(project: Path, tmp_path: Path):
    write(
        project, "ours", FROM_BASE + "COPY jupyter_server_config.json /opt/jupyter/etc/jupyter/\n"
    )
    assemble(only(project, "ours"), tmp_path / "context")
    config = json.loads((tmp_path / "context/jupyter_server_config.json").read_text())
    assert "ServerProxy" in config
    assemble(only(project, "on-ours"), tmp_path / "other")
    assert not (tmp_path / "other/jupyter_server_config.json").exists()


def test_equal_content_has_an_equal_name_whatever_the_checkout_is_like(
    project: Path, tmp_path: Path
):
    first = tag(only(project, "on-ours"), tmp_path / "first")
    data = project / "images/on-ours/data.txt"
    data.chmod(0o600)
    os.utime(data, (1, 1))
    (project / "images/on-ours/__pycache__").mkdir()
    (project / "images/on-ours/__pycache__/x.pyc").write_bytes(b"x")
    assert tag(only(project, "on-ours"), tmp_path / "second") == first


def test_any_change_of_content_or_facts_changes_the_name(project: Path, tmp_path: Path):
    data = project / "images/on-ours/data.txt"
    seen = [tag(only(project, "on-ours"), tmp_path / "0", parent="sha256:1")]
    seen.append(tag(only(project, "on-ours"), tmp_path / "1", parent="sha256:2"))
    data.write_text("other data")
    seen.append(tag(only(project, "on-ours"), tmp_path / "2", parent="sha256:2"))
    data.chmod(0o755)
    seen.append(tag(only(project, "on-ours"), tmp_path / "3", parent="sha256:2"))
    data.rename(data.with_name("renamed.txt"))
    seen.append(tag(only(project, "on-ours"), tmp_path / "4", parent="sha256:2"))
    data.symlink_to("renamed.txt")
    seen.append(tag(only(project, "on-ours"), tmp_path / "5", parent="sha256:2"))
    assert len(set(seen)) == len(seen)


def test_a_file_of_a_package_changes_the_images_that_install_it_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    checkout = tmp_path / "checkout"
    for name in ("packages", "slipway"):
        shutil.copytree(ROOT / name, checkout / name)
    monkeypatch.setattr(context, "INSTALLATION", checkout)
    found = load(ROOT).catalog
    every = recipes(ROOT, found, built_here(found), {})

    def changed(*path: str, content: str = "x = 1\n") -> set[str]:
        file = checkout.joinpath(*path)
        file.parent.mkdir(exist_ok=True)
        file.write_text(content)
        now = {name: tag(recipe, tmp_path / f"{path}-{name}") for name, recipe in every.items()}
        different = {name for name in now if now[name] != tags[name]}
        tags.update(now)
        return different

    tags = {name: tag(recipe, tmp_path / name) for name, recipe in every.items()}
    assert changed("packages/hub/slipway_hub/new.py") == {"hub"}
    assert changed("packages/datapath/slipway_datapath/new.py") == {"jupyter"}
    assert changed("packages/notebook/slipway_notebook/new.py") == {"jupyter"}
    for left in ("slipway_hub/__pycache__/x.pyc", "slipway_hub.egg-info/PKG-INFO"):
        assert changed("packages/hub", left) == set(), "what tools leave is in no image"


def test_every_image_runs_as_the_user_that_the_charts_give_it():
    users = (facts.USER_ID, facts.NOBODY_ID)
    for file in sorted((ROOT / "images").glob("*/Dockerfile")):
        text = file.read_text()
        numbers = re.findall(r"(?:--uid|--gid|--chown=|USER) (\d+)(?::(\d+))?", text)
        assert {int(n) for pair in numbers for n in pair if n} <= {0, *users}, file
        last = re.findall(r"^USER (\S+)$", text.rpartition("\nFROM ")[2], re.M)[-1:]
        assert last in ([], *([f"{user}:{user}"] for user in users)), file
    (proxy,) = re.findall(r"^USER (\d+):", (ROOT / "images/proxy/Dockerfile").read_text(), re.M)
    assert int(proxy) == facts.NOBODY_ID


def test_an_app_of_the_catalog_changes_the_images_that_carry_it_only(tmp_path: Path):
    write(tmp_path, "ours", FROM_BASE + "COPY jupyter_server_config.json /\n")
    write(tmp_path, "plain", FROM_BASE + "COPY jupyter_server_config.json /\n")

    def with_title(title: str) -> Catalog:
        apps = {"lab": {"kind": "jupyterlab"}, "code": {"kind": "code-server", "title": title}}
        images = {"ours": {"apps": ("lab", "code")}, "plain": {"apps": ("lab",)}}
        profiles = {"a": {"title": "A", "image": "ours"}}
        return Catalog.model_validate({"apps": apps, "images": images, "profiles": profiles})

    def tags(title: str) -> list[str]:
        given = with_title(title)
        return [
            tag(only(tmp_path, name, given), tmp_path / f"{title}-{name}")
            for name in ("ours", "plain")
        ]

    before, after = tags("VS Code"), tags("Editor")
    assert before[0] != after[0]
    assert before[1] == after[1]
