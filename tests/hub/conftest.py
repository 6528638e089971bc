import os
import sys
from collections.abc import Iterator

import pytest

from tests.support import rserver_stand_in
from tests.support.local import Hub, cull_after, make_project, running_hub

IDLE = 40
"""Seconds. A server reports every ten, so a machine may stand still for half a minute."""


@pytest.fixture(scope="session")
def rserver_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub that has RStudio's program, and stops idle servers soon."""
    folder = tmp_path_factory.mktemp("rserver")
    program = folder / "bin/rserver"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {rserver_stand_in.__file__} "$@"\n')
    program.chmod(0o755)
    project = make_project(folder / "project")
    cull_after(project, idle=f"{IDLE}s", every="2s")
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    with running_hub(project, PATH=path) as hub:
        yield hub
