from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.registry import registry
from tests.support.releases import Released, released_project


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
