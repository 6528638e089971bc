"""The catalog's entries for a migrated image: what is added, and that nothing else changes."""

from pathlib import Path
from typing import Any

import pytest

from slipway.images.migrate import entry
from slipway.images.migrate.examine import ExaminedImage
from slipway.model import InvalidProject, load
from tests.support.local import ROOT
from tests.support.migrating import PROGRAM, files, found_in


def code_server(tmp_path: Path, **settings: Any) -> ExaminedImage:
    return found_in(tmp_path / "image", PROGRAM, files(), User="dev", **settings)


def project(folder: Path, catalog: str | None = None) -> Path:
    for name in ("environments", "releases"):
        (folder / name).mkdir(parents=True)
    text = (ROOT / "catalog.yaml").read_text() if catalog is None else catalog
    (folder / "catalog.yaml").write_text(text)
    local = (ROOT / "environments/local.yaml").read_text()
    (folder / "environments/local.yaml").write_text(local)
    return folder


@pytest.mark.parametrize(
    ("text", "name"),
    [("registry.example.org:5000/Team/My_VS.Code:v1", "my-vs-code"), ("./old.tar.gz", "old"),
     ("x@sha256:" + "0" * 64, "x"), ("/", "migrated"), ("a" * 99, "a" * 36)],
)  # fmt: skip
def test_a_name_is_made_from_the_images(text: str, name: str):
    assert entry.name_for(text) == name


def test_the_catalog_gets_its_entries_and_keeps_every_byte(tmp_path: Path):
    root = project(tmp_path / "project")
    before = (root / "catalog.yaml").read_text()
    found = code_server(tmp_path, Cmd=["code-server", "--locale=de"])
    name = entry.image_name("old", load(root).catalog)
    digest = "sha256:" + "0" * 64
    new = entry.entries(load(root).catalog, name, found.editor, found.home, f"old@{digest}")
    entry.write(root, new)
    after = (root / "catalog.yaml").read_text()
    rest = iter(after.splitlines())
    assert all(line in rest for line in before.splitlines()), "lines are only added"
    catalog = load(root).catalog
    assert catalog.images["old"].home == "/home/dev"
    assert catalog.routes["/old"].app == "code-2", "an app with other options is another app"
    assert catalog.apps["code-2"].arguments == ("--locale=de",)


def test_an_image_that_is_pushed_later_is_only_pointed_to(tmp_path: Path):
    root = project(tmp_path / "project")
    found = code_server(tmp_path)
    digest = "sha256:" + "0" * 64
    entry.write(
        root, entry.entries(load(root).catalog, "old", found.editor, found.home, f"old@{digest}")
    )
    assert entry.with_digest(load(root).catalog, digest) == "old"
    before = (root / "catalog.yaml").read_text()
    entry.repoint(root, "old", f"registry.example.org/old@{digest}")
    assert load(root).catalog.images["old"].reference == f"registry.example.org/old@{digest}"
    assert len((root / "catalog.yaml").read_text().splitlines()) == len(before.splitlines())


def test_an_app_that_fits_is_used_again_and_names_do_not_clash(tmp_path: Path):
    root = project(tmp_path / "project")
    found = code_server(tmp_path)
    for wanted in ("vscode", "hub", "jupyter", "rstudio"):
        catalog = load(root).catalog
        name = entry.image_name(wanted, catalog)
        assert name == f"{wanted}-2"
        new = entry.entries(catalog, name, found.editor, found.home, name)
        assert not new["apps"]
        entry.write(root, new)
    assert load(root).catalog.profiles["vscode-2"].app == "code"


def test_a_catalog_without_the_block_gets_it_and_one_in_one_line_stays_so(tmp_path: Path):
    text = (
        "apps: {lab: {kind: jupyterlab}, code: {kind: code-server}}\n"
        "images:\n    base:\n        apps: [lab]\n\n"
        "# The only one.\nprofiles:\n    one: {title: One, image: base}"
    )
    root = project(tmp_path / "project", text)
    found = code_server(tmp_path)
    new = entry.entries(load(root).catalog, "old", found.editor, "/home/jovyan", "old")
    entry.write(root, new)
    assert load(root).catalog.routes["/old"].profile == "old"
    rest = iter((root / "catalog.yaml").read_text().splitlines())
    assert all(line in rest for line in text.splitlines()), "lines are only added"
    assert "\n\n# The only one.\nprofiles:" in (root / "catalog.yaml").read_text()
    other = code_server(tmp_path / "other", Cmd=["code-server", "--locale=de"])
    now = (root / "catalog.yaml").read_text()
    new = entry.entries(load(root).catalog, "new", other.editor, "/home/jovyan", "new")
    entry.write(root, new)
    first, *rest = (root / "catalog.yaml").read_text().splitlines()
    assert "code-2: {kind: code-server, arguments: [--locale=de]}" in first
    assert [line for line in now.splitlines()[1:] if line not in rest] == []
    now = (root / "catalog.yaml").read_text()
    new["routes"] = {"/lab": {"profile": "nobody"}}
    with pytest.raises(InvalidProject, match=r"catalog.yaml:20:5: routes\./lab\.app"):
        entry.write(root, new)
    assert (root / "catalog.yaml").read_text() == now
