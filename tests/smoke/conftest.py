"""Running hubs for smoke tests, and what a run says of them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.local import ROOT, SLIPWAY, Hub, make_project, running_hub

APP = [sys.executable, "-m", "tests.support.cut_app", "{port}"]


@dataclass(frozen=True)
class Smoke:
    code: int
    said: str
    """On standard error."""
    result: dict[str, Any]

    def check(self, name: str) -> dict[str, Any]:
        (found,) = [check for check in self.result["checks"] if check["name"] == name]
        return dict(found)

    def red(self) -> dict[str, str]:
        """Details by name."""
        return {
            check["name"]: check["detail"]
            for check in self.result["checks"]
            if check["verdict"] in ("failed", "not enforced")
        }


def start_smoke(
    folder: Path, *arguments: str, environment: str = "local"
) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [SLIPWAY, "smoke", environment, "--json", f"--project={folder}", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def smoke(folder: Path, *arguments: str, environment: str = "local") -> Smoke:
    process = start_smoke(folder, *arguments, environment=environment)
    out, err = process.communicate(timeout=570)
    return Smoke(process.returncode, err, json.loads(out) if out else {})


def catalog(*apps: str, routes: bool = True) -> dict[str, Any]:
    """One profile, for a group that no smoke user is in, with JupyterLab and such apps."""
    known = {
        "echo": {"kind": "command", "command": [*APP, "echo"], "websocket": "/ws"},
        "cut": {"kind": "command", "command": [*APP, "cut"]},
        "plain": {"kind": "command", "command": [*APP, "plain"]},
        "broken": {
            "kind": "command",
            "command": [sys.executable, "-c", "print('no licence'); exit(3)", "{port}"],
        },
    }
    python_path = os.pathsep.join([str(ROOT), *sys.path[1:]])
    return {
        "apps": {"lab": {"kind": "jupyterlab"}, **{name: known[name] for name in apps}},
        "images": {"small": {"apps": ["lab", *apps]}},
        "profiles": {
            "small": {
                "title": "Small",
                "image": "small",
                "groups": ["insiders"],
                "environment": {"PYTHONPATH": python_path},
            }
        },
        "routes": {"/lab": {"profile": "small", "app": "lab"}}
        | ({f"/{name}": {"profile": "small", "app": name} for name in apps} if routes else {}),
    }


def project(folder: Path, content: dict[str, Any]) -> Path:
    make_project(folder)
    (folder / "catalog.yaml").write_text(json.dumps(content))
    for other in ("kube", "dev", "prod"):
        (folder / f"environments/{other}.yaml").unlink()
    return folder


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub with one profile whose every app works."""
    folder = project(tmp_path_factory.mktemp("small") / "project", catalog("echo"))
    with running_hub(folder) as hub:
        yield hub
