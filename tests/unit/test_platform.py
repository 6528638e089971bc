"""`platform.yaml`: the versions that the working tree runs on."""

from pathlib import Path

import pytest

from slipway.model import InvalidProject, load
from tests.unit.test_check import CATALOG, EKS, release

PINNED = """\
kubernetes: "1.35"
addons:
  metrics-server: v0.8.0-eksbuild.2
"""


@pytest.fixture
def on_eks(tmp_path: Path) -> Path:
    for folder in ("environments", "releases"):
        (tmp_path / folder).mkdir()
    (tmp_path / "catalog.yaml").write_text(CATALOG)
    (tmp_path / "environments/dev.yaml").write_text(EKS)
    return tmp_path


def test_without_one_everything_has_its_default(on_eks: Path) -> None:
    versions = load(on_eks).environment("dev").versions
    assert (versions.kubernetes, versions.addons) == ("1.36", {})


def test_the_working_tree_runs_on_what_is_pinned(on_eks: Path) -> None:
    (on_eks / "platform.yaml").write_text(PINNED)
    versions = load(on_eks).environment("dev").versions
    assert versions.kubernetes == "1.35"
    assert versions.addons == {"metrics-server": "v0.8.0-eksbuild.2"}


def test_a_release_runs_on_what_it_froze(on_eks: Path) -> None:
    (on_eks / "releases/1.0.0.yaml").write_text(release())
    (on_eks / "environments/dev.yaml").write_text(f"{EKS}release: 1.0.0\n")
    (on_eks / "platform.yaml").write_text(PINNED)
    assert load(on_eks).environment("dev").versions.kubernetes == "1.36"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("addons: {metrics: v1.0.0-eksbuild.1}", "platform.yaml:1:10: addons.metrics: there is no"),
        ("addons: {metrics-server: latest}", "'latest' is not a version of an EKS add-on"),
        ("kubernetes: 1.36", "kubernetes"),
        ("kubernets: '1.36'", "kubernets"),
        ("", "is empty"),
    ],
)
def test_what_is_wrong_with_it_is_said_at_its_place(on_eks: Path, text: str, said: str) -> None:
    (on_eks / "platform.yaml").write_text(text)
    with pytest.raises(InvalidProject) as refused:
        load(on_eks)
    assert said in str(refused.value)
    assert "platform.yaml:1" in str(refused.value)
