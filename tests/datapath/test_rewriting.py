"""Functions that an administrator has set to rewrite answers."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest

from tests.support.jupyter import running_jupyter

CONFIG = """
def mark(response, port, path, request, orig_response):
    response.headers["X-Seen"] = f"{port} {path} {request.method} {orig_response.code}"

def shout(response, path):
    if path == "/shout":
        response.body = response.body.upper()

def replace(response, path):
    if path == "/replace":
        response.code, response.body = 418, b"tea"

c.ServerProxy.non_service_rewrite_response = [mark, shout, replace]
"""


class App(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder: Path = tmp_path_factory.mktemp("rewriting") / "jupyter"
    with (
        HTTPServer(("127.0.0.1", 0), App) as server,
        running_jupyter("ours", folder, {}, python=CONFIG) as jupyter,
        jupyter.client() as client,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        client.base_url = f"{jupyter.url}proxy/{server.server_port}/"
        yield client
        server.shutdown()


def test_headers_are_rewritten_and_the_body_passes(client: httpx.Client):
    answer = client.get("plain")
    assert answer.text == "hello"
    assert answer.headers["Content-Length"] == "5"
    assert answer.headers["X-Seen"].endswith(" /plain GET 200")


def test_a_body_is_read_for_whom_it_concerns(client: httpx.Client):
    assert client.get("shout").text == "HELLO"


def test_status_and_body_can_be_replaced(client: httpx.Client):
    answer = client.get("replace")
    assert (answer.status_code, answer.reason_phrase, answer.text) == (418, "I'm a Teapot", "tea")
