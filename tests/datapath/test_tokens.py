"""With what a program can act as its user: an app has it only where it is trusted."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from slipway_datapath.processes import TOKENS
from slipway_notebook import early

from tests.support.jupyter import Jupyter, running_jupyter

PROGRAM = """
import json, os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class App(BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps(dict(os.environ)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

HTTPServer(("127.0.0.1", int(sys.argv[1])), App).serve_forever()
"""
TOLD = {"JUPYTERHUB_USER": "jo", **dict.fromkeys(TOKENS, "secret")}


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    app = {"command": [sys.executable, "-c", PROGRAM.replace("{", "{{").replace("}", "}}")]}
    app["command"].append("{port}")
    servers = {
        "plain": app,
        "trusted": app,
        "told": app | {"environment": {"JUPYTERHUB_API_TOKEN": "its own"}},
    }
    settings = {"DataPath": {"trusted_with_credentials": ["trusted"]}}
    folder: Path = tmp_path_factory.mktemp("tokens") / "jupyter"
    with running_jupyter("ours", folder, servers, environment=TOLD, **settings) as jupyter:
        yield jupyter


def environment_of(jupyter: Jupyter, app: str) -> dict[str, str]:
    with jupyter.client() as client:
        found: dict[str, str] = json.loads(client.get(f"{app}/").text)
    return found


def test_an_app_does_not_inherit_the_hubs_token(jupyter: Jupyter):
    environment = environment_of(jupyter, "plain")
    assert "secret" not in environment.values()
    assert environment["JUPYTERHUB_USER"] == "jo"


def test_a_trusted_app_does(jupyter: Jupyter):
    assert TOLD.items() <= environment_of(jupyter, "trusted").items()


def test_an_app_has_what_its_own_configuration_gives_it(jupyter: Jupyter):
    environment = environment_of(jupyter, "told")
    assert environment["JUPYTERHUB_API_TOKEN"] == "its own"
    assert "secret" not in environment.values()


def test_what_starts_apps_early_knows_the_same_tokens():
    assert set(early.TOKENS) == TOKENS
