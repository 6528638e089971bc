"""`slipway release`: what it freezes, and what it refuses."""

import json
from pathlib import Path

import pytest

from slipway.model import load
from slipway.release import releases
from tests.support.releases import Released, small_image


def test_a_release_holds_everything_that_users_get(project: Released) -> None:
    head = project.git("rev-parse", "HEAD").strip()
    done = project.release("1.0.0")
    made = releases.read(project.root, "1.0.0")
    assert done["file"] == "releases/1.0.0.yaml"
    assert done["commit"] == made.commit == head
    assert set(made.images) == set(made.bases) == set(made.sboms) == {"hub", "proxy", "tools"}
    assert made.bases["hub"] == f"docker.io/library/debian@sha256:{'d' * 64}"
    assert made.programs["tools"] == {"JupyterLab": "4.6.6", "code-server": "4.1"}
    assert made.platform.kubernetes == load(project.root).platform.kubernetes
    assert made.catalog == load(project.root).catalog


def test_its_file_is_short_sorted_and_says_the_versions(project: Released) -> None:
    project.release("1.0.0")
    text = (project.root / "releases/1.0.0.yaml").read_text()
    keys = [line.partition(":")[0] for line in text.splitlines() if line[:1] not in (" ", "#")]
    assert keys == ["digest", *sorted(keys[1:-1]), "catalog"]
    assert "kubernetes: '1.36'" in text
    assert len(text) < 3000


def test_the_same_files_make_the_same_release(project: Released) -> None:
    project.release("1.0.0")
    path = project.root / "releases/1.0.0.yaml"
    first = path.read_bytes()
    path.unlink()
    project.release("1.0.0")
    assert path.read_bytes() == first


def test_an_environment_that_names_it_is_rendered_from_it_and_not_from_the_catalog(
    whole_project: Released,
) -> None:
    digest = whole_project.release("1.0.0")["images"]["tools"]
    whole_project.edit("catalog.yaml", "title: VS Code", "title: Something else")
    whole_project.edit("environments/kube.yaml", "auth:", "release: 1.0.0\nauth:")
    done = whole_project.slipway("render", "kube")
    assert done.returncode == 0, done.stderr
    assert f"{whole_project.registry}/slipway/tools@{digest}" in done.stdout
    assert "Something else" not in done.stdout
    assert ":working-tree" not in done.stdout


def test_it_says_what_comes_next(project: Released) -> None:
    done = project.slipway("release", "1.0.0")
    assert done.returncode == 0, done.stderr
    assert "git tag v1.0.0" in done.stdout


def test_everything_that_is_missing_is_said_at_once_and_nothing_is_written(
    project: Released,
) -> None:
    (project.root / ".slipway/builds/hub.json").unlink()
    project.write("images/tools/Dockerfile", "FROM scratch\n")
    project.write("notes.txt", "x")
    done = project.slipway("release", "1.0.0")
    assert done.returncode == 1
    assert "not committed: images/tools/Dockerfile and notes.txt" in done.stderr
    assert "image hub was never built here: `slipway build --push kube`" in done.stderr
    assert "image tools was built from other files" in done.stderr
    assert not (project.root / "releases").exists()


def test_an_image_that_is_not_in_the_registry_is_named(project: Released) -> None:
    project.write("images/tools/Dockerfile", "ARG BASE=debian\nFROM ${BASE}\nRUN true\n")
    project.commit()
    project.build("tools", push=False)
    done = project.slipway("release", "1.0.0")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"image tools is not in {project.registry}/slipway: `slipway build" in done.stderr
    assert "image hub" not in done.stderr


def test_an_image_built_with_other_arguments_is_not_frozen(project: Released) -> None:
    project.edit("catalog.yaml", "apps: [lab, code]", "apps: [lab, code]\n    arguments: {V: '2'}")
    project.commit()
    done = project.slipway("release", "1.0.0")
    assert done.returncode == 1
    assert "image tools was built from other files or arguments than these" in done.stderr


def test_an_image_of_another_registry_is_frozen_by_digest(project: Released) -> None:
    from slipway.images.oci.layout import Layout

    store = Layout(project.root / ".slipway/oci")
    project.push(store, "theirs", other := small_image(store, "theirs"), "2026")
    reference = f"{project.registry}/slipway/theirs"
    project.edit(
        "catalog.yaml",
        "images:\n",
        f"images:\n  theirs: {{apps: [lab], reference: '{reference}:2026'}}\n",
    )
    project.commit()
    made = project.release("1.0.0")
    assert made["images"]["theirs"] == other.digest
    found = releases.read(project.root, "1.0.0")
    assert found.catalog.images["theirs"].reference == f"{reference}@{other.digest}"
    project.edit("environments/kube.yaml", "auth:", "release: 1.0.0\nauth:")
    environment = load(project.root).environment("kube")
    assert environment.image_reference("theirs") == f"{reference}@{other.digest}"


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1.0", "'1.0' is not a version"),
        ("1.0.01", "'1.0.01' is not a version"),
        ("1.2.0-", "'1.2.0-' is not a version"),
        ("../x", "'../x' is not a version"),
        ("1.2.0", "releases/1.2.0.yaml exists"),
        ("1.2.0-rc.1", "is not newer than 1.2.0"),
        ("1.1.9", "is not newer than 1.2.0"),
    ],
)
def test_a_version_must_be_a_new_one(project: Released, version: str, expected: str) -> None:
    project.release("1.2.0")
    project.commit()
    done = project.slipway("release", version)
    assert done.returncode == 2
    assert expected in done.stderr
    assert [path.name for path in (project.root / "releases").iterdir()] == ["1.2.0.yaml"]


def test_a_folder_without_git_cannot_be_frozen(project: Released) -> None:
    (project.root / ".git").rename(project.root.parent / "elsewhere")
    done = project.slipway("release", "1.0.0", GIT_CEILING_DIRECTORIES=str(project.root.parent))
    assert done.returncode == 1
    assert "is not in a git repository" in done.stderr


def test_a_machine_without_git_is_told_so(project: Released, tmp_path: Path) -> None:
    done = project.slipway("release", "1.0.0", PATH=str(tmp_path))
    assert done.returncode == 1
    assert "git is missing" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_registry_that_is_away_is_said(project: Released) -> None:
    project.edit("environments/kube.yaml", project.registry, "127.0.0.1:9")
    project.commit()
    done = project.slipway("release", "1.0.0")
    assert done.returncode == 1
    assert "127.0.0.1:9 does not answer" in done.stderr


def test_a_project_in_a_folder_of_its_repository_is_looked_at_alone(
    project: Released, tmp_path: Path
) -> None:
    (project.root / ".git").rename(project.root.parent / ".git")
    project.commit()
    (project.root.parent / "unrelated.txt").write_text("x")
    project.release("1.0.0")


def test_an_edited_release_is_refused_at_its_line(project: Released) -> None:
    project.release("1.0.0")
    project.edit("releases/1.0.0.yaml", "title: VS Code", "title: VS Codium")
    done = project.slipway("check", "--json")
    (error,) = json.loads(done.stdout)["errors"]
    assert done.returncode == 2
    assert (error["file"], error["path"]) == ("releases/1.0.0.yaml", "digest")
    assert "was edited" in error["message"]
    assert "git checkout releases/1.0.0.yaml" in error["hint"]
