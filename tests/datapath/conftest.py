import sys
from collections.abc import Iterator

import pytest

from tests.support.jupyter import Apps, Jupyter, running_apps, running_jupyter

SETTINGS = {"DataPath": {"response_timeout": 6.0, "ping_interval": 1.0}}


def servers(apps: Apps) -> dict:
    return {
        "app": {"unix_socket": apps.http},
        "socket": {"unix_socket": apps.websocket},
        "absolute": {"unix_socket": apps.http, "absolute_url": True},
        "idle": {"unix_socket": apps.http, "update_last_activity": False},
        "trusted": {"unix_socket": apps.http},
        "mapped": {"unix_socket": apps.http, "mappath": {"/from": "/echo/to"}},
        "missing": {"command": ["no-such-program", "{port}"], "timeout": 20},
        "crashing": {
            "command": [sys.executable, "-c", "raise SystemExit('<out of> memory')"],
            "timeout": 20,
            "launcher_entry": {"title": "Crash & burn"},
        },
        "deaf": {
            "command": [sys.executable, "-uc", "import time; print('up'); time.sleep(99)"],
            "timeout": 3,
        },
    }


@pytest.fixture(scope="session")
def apps() -> Iterator[Apps]:
    with running_apps() as apps:
        yield apps


@pytest.fixture(scope="session")
def stock(apps: Apps, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    """jupyter-server-proxy alone."""
    folder = tmp_path_factory.mktemp("stock") / "jupyter"
    with running_jupyter("stock", folder, servers(apps)) as jupyter:
        yield jupyter


@pytest.fixture(scope="session")
def ours(apps: Apps, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    """jupyter-server-proxy with our transport."""
    settings = {"DataPath": SETTINGS["DataPath"] | {"trusted_with_credentials": ["trusted"]}}
    folder = tmp_path_factory.mktemp("ours") / "jupyter"
    with running_jupyter("ours", folder, servers(apps), **settings) as jupyter:
        yield jupyter
