"""The way to a rehearsal's registries leads there and nowhere else."""

import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from slipway.rehearse.gateway import Gateway
from slipway.rehearse.sandbox import Sandbox

HOST = "111122223333.dkr.ecr.eu-central-1.amazonaws.com"
NOWHERE = "http://127.0.0.1:9"
ASK = """
import sys, httpx, ssl
url, *login = sys.argv[1:]
with httpx.Client(verify=ssl.create_default_context()) as client:
    answer = client.get(url, auth=tuple(login) or None)
    print(answer.status_code, answer.headers.get("WWW-Authenticate"), answer.text)
"""


class Emulator(BaseHTTPRequestHandler):
    """Says what it was asked."""

    def do_GET(self) -> None:
        body = f"{self.path} of {self.headers['Host']} {self.headers['Authorization']}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    emulator = ThreadingHTTPServer(("127.0.0.1", 0), Emulator)
    Thread(target=emulator.serve_forever, daemon=True).start()
    gateway = Gateway(tmp_path / "gateway", [HOST], emulator.server_port)
    yield gateway
    gateway.stop()
    emulator.shutdown()
    emulator.server_close()


def ask(
    gateway: Gateway, tmp_path: Path, url: str, *login: str
) -> "subprocess.CompletedProcess[str]":
    """By a program in the sandbox that knows nothing of a gateway."""
    world = Sandbox(tmp_path, NOWHERE, gateway.url, gateway.ca)
    return subprocess.run(
        [sys.executable, "-c", ASK, url, *login],
        env=world.environment("111122223333", "eu-central-1"),
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_registry_of_the_rehearsal_is_the_emulators(gateway: Gateway, tmp_path: Path) -> None:
    done = ask(gateway, tmp_path, f"https://{HOST}/v2/slipway/hub/tags/list", "AWS", "token")
    assert done.stdout.strip() == f"200 None /v2/slipway/hub/tags/list of {HOST} None", done.stderr


def test_a_registry_wants_a_login_as_amazon_ecr_does(gateway: Gateway, tmp_path: Path) -> None:
    done = ask(gateway, tmp_path, f"https://{HOST}/v2/")
    assert done.stdout.startswith("401 Basic realm="), done.stderr


@pytest.mark.parametrize(
    "url",
    [
        "https://sts.eu-central-1.amazonaws.com/",
        "https://444455556666.dkr.ecr.eu-central-1.amazonaws.com/v2/",
        f"https://{HOST}:8443/v2/",
        f"https://{HOST}.example.org/v2/",
    ],
)
def test_another_host_is_refused(gateway: Gateway, tmp_path: Path, url: str) -> None:
    done = ask(gateway, tmp_path, url)
    assert done.returncode != 0
    assert "403 a rehearsal leads nowhere else" in done.stderr


def test_what_is_no_connection_to_a_registry_is_refused(gateway: Gateway) -> None:
    """A plain proxy would fetch this."""
    host, _, port = gateway.url.removeprefix("http://").partition(":")
    connection = HTTPConnection(host, int(port), timeout=30)
    connection.request("GET", "http://169.254.169.254/latest/meta-data/")
    assert connection.getresponse().status == 403
    connection.close()
