import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.release import checkout, code_check
from slipway.release.diff import inputs, rendered
from tests.support.registry import registry
from tests.support.releases import Released, copy_slipway, released_project


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One registry: images of equal content are the same ones."""
    with registry(tmp_path_factory.mktemp("registry")) as host:
        yield host


@pytest.fixture
def project(tmp_path: Path, host: str) -> Released:
    root = tmp_path / "project"
    root.mkdir()
    return released_project(root, host)


@pytest.fixture
def whole_project(project: Released) -> Released:
    """A project that holds Slipway's code, as one must from which releases are rendered."""
    return with_slipway(project)


def with_slipway(project: Released) -> Released:
    copy_slipway(project.root)
    project.write(".gitignore", ".slipway/\n.venv/\n__pycache__/\n*_ignored.py\n")
    project.commit("Slipway")
    return project


@pytest.fixture(scope="session")
def _released(tmp_path_factory: pytest.TempPathFactory, host: str) -> Released:
    root = tmp_path_factory.mktemp("released")
    project = with_slipway(released_project(root, host))
    project.release("1.0.0")
    project.commit("Release 1.0.0")
    return project


@pytest.fixture
def released(tmp_path: Path, _released: Released, monkeypatch: pytest.MonkeyPatch) -> Released:
    """A project that holds Slipway's code, with a release 1.0.0 that no environment pins yet.

    Functions called in a test take the project's folder for Slipway's own.
    """
    root = tmp_path / "project"
    shutil.copytree(_released.root, root, symlinks=True)
    for module in (code_check, checkout, inputs, rendered):
        monkeypatch.setattr(module, "INSTALLATION", root)
    return Released(root, _released.registry)
