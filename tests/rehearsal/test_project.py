"""The copy of a project that a rehearsal changes, and the images that stand in for its own."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from slipway.images.build.build import RECORDS
from slipway.images.build.recipes import recipes
from slipway.images.build.record import BuildRecord, BuildRecords, is_current
from slipway.images.oci.layout import Layout
from slipway.model import load
from slipway.model.release import built_here
from slipway.rehearse import images
from slipway.rehearse.images import small_image
from slipway.rehearse.project import ProjectCopy
from slipway.rehearse.rehearsal import environments_to_rehearse
from slipway.rehearse.sandbox import Sandbox
from tests.support.local import ROOT

CATALOG = """\
# What users get.
apps:
  lab: {kind: jupyterlab}
images:
  tools: {apps: [lab]}
profiles:
  lab: {title: "Lab", image: tools}  # the only one
"""
DEV = """\
target: eks
release: 7.0.0
account: "111122223333"
region: eu-central-1
zones: [eu-central-1a, eu-central-1b]
logo: logo.png
auth: {kind: github, client_id: x, allowed_organizations: [org]}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "environments").mkdir(parents=True)
    (root / "catalog.yaml").write_text(CATALOG)
    (root / "environments/dev.yaml").write_text(DEV.replace("release: 7.0.0\n", ""))
    (root / "logo.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return root


@pytest.fixture
def copy(root: Path, tmp_path: Path) -> ProjectCopy:
    dev = load(root).environment("dev")
    (root / "environments/dev.yaml").write_text(DEV)
    variables = Sandbox(tmp_path, "http://127.0.0.1:9").environment("0" * 12, "us-east-1")
    return ProjectCopy(root, tmp_path / "copy", [dev], variables)


def git(copy: ProjectCopy, *arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(
        command, cwd=copy.folder, capture_output=True, text=True, check=True
    ).stdout


def test_a_copy_follows_the_catalog_and_is_committed(copy: ProjectCopy) -> None:
    assert load(copy.folder).environment("dev").release is None
    assert git(copy, "status", "--porcelain") == ""
    files = set(git(copy, "ls-files").split())
    assert {"catalog.yaml", "environments/dev.yaml", "logo.png"} < files
    assert {"slipway/facts.py", "charts/rendering.py", "stacks/network.py"} < files


def test_a_new_title_changes_nothing_else(copy: ProjectCopy) -> None:
    copy.retitle("Never seen")
    expected = CATALOG.replace('"Lab"', '"Never seen"').replace("  # the", " # the")
    assert (copy.folder / "catalog.yaml").read_text() == expected
    assert git(copy, "status", "--porcelain") == ""


def test_the_project_itself_stays_as_it_was(root: Path, copy: ProjectCopy) -> None:
    copy.retitle("Never seen")
    copy.replace("dev", "eu-central-1a", "eu-central-1c")
    assert (root / "catalog.yaml").read_text() == CATALOG
    assert (root / "environments/dev.yaml").read_text() == DEV


def test_a_stand_in_is_an_image_that_can_be_unpacked(tmp_path: Path) -> None:
    store = Layout(tmp_path / "oci")
    image = small_image(store, b"stands for hub\n")
    store.tag("hub:1", image)
    assert [str(name) for name in store.platforms(image)]
    target = tmp_path / "bundle"
    done = subprocess.run(
        ["skopeo", "copy", "--insecure-policy", f"oci:{store.folder}:hub:1", f"dir:{target}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_same_stand_in_has_the_same_digest(tmp_path: Path) -> None:
    one, other = (small_image(Layout(tmp_path / name), b"hub") for name in ("a", "b"))
    assert one == other
    assert small_image(Layout(tmp_path / "a"), b"proxy") != one


def test_a_stand_in_has_the_record_that_a_release_asks_for(tmp_path: Path) -> None:
    store, made = Layout(tmp_path / "store"), dict[str, BuildRecord]()
    catalog = load(ROOT).catalog
    every = recipes(ROOT, catalog, built_here(catalog), {})
    for name, recipe in every.items():
        made[name] = images._make(tmp_path, store, recipe, made)
    for name, recipe in every.items():
        assert BuildRecords(tmp_path / RECORDS).read(name) == made[name]
        assert is_current(recipe, made, epoch=0)
        assert store.resolve(f"{name}:{made[name].tag}")


def test_a_pair_that_is_promoted_is_chosen_before_others(root: Path) -> None:
    """`aaa` comes first and promotes nowhere."""
    dev = (root / "environments/dev.yaml").read_text()
    promoted = f'{dev}promotion: {{to: ["444455556666"]}}\n'
    (root / "environments/dev.yaml").write_text(promoted)
    for name, account in (("aaa", "777788889999"), ("prod", "444455556666")):
        (root / f"environments/{name}.yaml").write_text(dev.replace("111122223333", account))
    assert [chosen.name for chosen in environments_to_rehearse(load(root))] == ["dev", "prod"]


def test_without_an_environment_on_aws_there_is_nothing_to_rehearse(root: Path) -> None:
    project = replace(load(root), specs={})
    with pytest.raises(ValueError, match="nothing to rehearse"):
        environments_to_rehearse(project)
