"""The data path beside a jupyter-server-proxy that knows nothing of Slipway."""

import json
import re
import subprocess
import sys
import venv
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.support.jupyter import AUTHORIZATION, running_server
from tests.support.local import ROOT

PACKAGE = ROOT / "packages/datapath"
APP = """
import http.server, sys
class App(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(self.headers).encode())
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), App).serve_forever()
"""


def closure(found: Distribution, extras: frozenset[str], seen: dict[str, Distribution]) -> None:
    """What pip would install with a distribution, by name."""
    for text in found.requires or ():
        needed = Requirement(text)
        wanted = needed.marker is None or any(
            needed.marker.evaluate({"extra": extra}) for extra in (extras or {""})
        )
        key = needed.name + str(sorted(needed.extras))
        # pyproject.toml says why that one is nowhere installed.
        if wanted and key not in seen and needed.name != "rfc3987-syntax":
            seen[key] = distribution(needed.name)
            closure(seen[key], frozenset(needed.extras), seen)


def link(found: Distribution, site_packages: Path) -> None:
    for name in {file.parts[0] for file in found.files or () if ".." not in file.parts}:
        target = site_packages / name
        if name != "__pycache__" and not target.exists():
            target.symlink_to(Path(str(found.locate_file(name))))


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and what it declares, as this one has it."""
    folder = tmp_path_factory.mktemp("alone")
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    build = ["wheel", "--no-deps", "--no-build-isolation", f"--wheel-dir={folder}", str(PACKAGE)]
    subprocess.run([*pip, *build], check=True)
    (wheel,) = folder.glob("slipway_datapath-*.whl")
    venv.create(folder / "venv", symlinks=True, with_pip=False)
    python = folder / "venv/bin/python"
    install = ["install", "--no-deps", "--no-index", "--no-compile", str(wheel)]
    subprocess.run([*pip, f"--python={python}", *install], check=True)
    (site_packages,) = (folder / "venv/lib").glob("python*/site-packages")
    (own,) = site_packages.glob("*.dist-info")
    needed: dict[str, Distribution] = {}
    closure(Distribution.at(own), frozenset(), needed)
    for found in needed.values():
        link(found, site_packages)
    return python


def test_nothing_else_of_slipway_is_there(python: Path):
    for package in ("slipway", "slipway_hub", "slipway_notebook", "jupyterhub", "jupyterlab"):
        code = [python, "-P", "-c", f"import {package}"]
        done = subprocess.run(code, capture_output=True, text=True)
        assert "ModuleNotFoundError" in done.stderr


def test_an_app_is_reached_with_the_configuration_of_the_readme(python: Path, tmp_path: Path):
    found = re.search(r"```json\n(.*?)```", (PACKAGE / "README.md").read_text(), re.DOTALL)
    assert found
    config = json.loads(found[1])
    config["ServerProxy"] = {"servers": {"app": {"command": [sys.executable, "-c", APP, "{port}"]}}}
    with (
        running_server(str(python), "ours", tmp_path / "jupyter", config) as jupyter,
        jupyter.client() as client,
    ):
        client.cookies.set("_xsrf", "of-jupyter")
        answer = client.get("app/", headers=AUTHORIZATION)
        assert answer.status_code == 200, answer.text
        # Which stock jupyter-server-proxy hands on.
        assert "token" not in answer.text
        assert "of-jupyter" not in answer.text
