"""The logo that an environment names: what is taken, and what is said of what is not."""

import base64
from pathlib import Path

import pytest
from slipway_hub.pages import write_logo

from slipway.model import InvalidProject, load
from slipway.settings.hub import settings_json
from tests.conftest import LOGO
from tests.support.local import make_project

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:x="http://www.w3.org/1999/xlink">{}</svg>'


def project_with(folder: Path, name: str, content: bytes | None) -> Path:
    project = make_project(folder / "project")
    spec = project / "environments/kube.yaml"
    spec.write_text(f"{spec.read_text()}title: Ours\nlogo: {name}\n")
    if content is not None:
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_bytes(content)
    return project


@pytest.mark.parametrize(("name", "content"), [("a.png", PNG), ("art/a.svg", LOGO.encode())])
def test_a_logo_travels_inside_the_settings(tmp_path: Path, name: str, content: bytes):
    environment = load(project_with(tmp_path, name, content)).environment("kube")
    assert environment.logo in settings_json(environment)
    file = write_logo(tmp_path, environment.logo)
    assert file.read_bytes() == content
    assert file.suffix == Path(name).suffix


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.svg", None, "a.svg cannot be read (No such file or directory), name a file"),
        ("a.png", b"GIF89a", "a.png is not a PNG image"),
        ("a.svg", b"<svg", "a.svg is not an SVG image"),
        ("a.svg", b"", "a.svg is not an SVG image"),
        ("a.svg", b"<html/>", "a.svg is not an SVG image"),
        ("a.svg", b"x" * 30_000, "a.svg has more than 24,576 bytes, make it smaller"),
        ("a.svg", SVG.format("<script>1</script>").encode(), "holds a script or a link"),
        ("a.svg", SVG.format('<g onclick="x"/>').encode(), "holds a script or a link"),
        ("a.svg", SVG.format('<image x:href="//evil"/>').encode(), "holds a script or a link"),
        ("a.svg", SVG.format('<a href="#"/>').encode(), "holds a script or a link"),
        ("a.svg", b'<!DOCTYPE svg [<!ENTITY a "b">]><svg/>', "holds entities"),
        ("a.svg", b'<?xml-stylesheet href="x"?><svg/>', "holds entities or a style sheet"),
        ("../a.svg", None, "is not a .svg or .png file below the project's folder"),
        ("a.gif", None, "is not a .svg or .png file below the project's folder"),
    ],
)
def test_what_is_no_logo_is_told_at_its_line(
    tmp_path: Path, name: str, content: bytes | None, message: str
):
    project = project_with(tmp_path, name, content)
    line = len((project / "environments/kube.yaml").read_text().splitlines())
    with pytest.raises(InvalidProject) as refused:
        load(project)
    (problem,) = map(str, refused.value.problems)
    assert problem.startswith(f"environments/kube.yaml:{line}:7: logo: ")
    assert message in problem


def test_a_logo_outside_the_project_is_not_read(tmp_path: Path):
    project = project_with(tmp_path, "a.svg", None)
    (tmp_path / "outside.svg").write_text(LOGO)
    (project / "a.svg").symlink_to(tmp_path / "outside.svg")
    with pytest.raises(InvalidProject, match="leads out of the project"):
        load(project)
