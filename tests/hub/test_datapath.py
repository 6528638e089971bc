"""Apps behind the whole way: the hub's proxy, then the user's server with JupyterHub's login."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.support.local import Hub, User


class Echo(BaseHTTPRequestHandler):
    """Answers with the headers it was sent; `/gated` in two pieces, the second when it is let."""

    gate = threading.Event()

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        if self.path == "/gated":
            self.wfile.write(b"first ")
            self.wfile.flush()
            self.gate.wait(20)
            self.wfile.write(b"second")
        else:
            self.wfile.write(str(self.headers).encode())

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture(scope="module")
def grace(hub: Hub) -> User:
    user = hub.user("grace-of-bytes")
    user.start("vscode")
    user.visit(f"/user/{user.name}/api")
    return user


def test_a_users_server_has_our_transport(grace: User, port: int):
    """An answer reaches the browser before the app has finished it."""
    Echo.gate.clear()
    path = f"/user/{grace.name}/proxy/{port}/gated"
    grace.visit(f"/user/{grace.name}/proxy/{port}/")
    with grace.client.stream("GET", path) as answer:
        pieces = answer.iter_raw()
        first = next(pieces)
        Echo.gate.set()
        assert (first, b"".join(pieces)) == (b"first ", b"second")


def test_the_hubs_cookies_stay_with_the_hub(grace: User, port: int):
    grace.client.cookies.set("theme", "dark")
    answer = grace.visit(f"/user/{grace.name}/proxy/{port}/")
    sent = answer.request.headers["Cookie"]
    assert "jupyterhub-user-" in sent
    assert "Cookie: theme=dark\n" in answer.text
    assert "jupyterhub" not in answer.text.split("Cookie:")[1].split("\n")[0]


def test_a_form_of_another_origin_is_refused(grace: User, hub: Hub, port: int):
    path = f"/user/{grace.name}/proxy/{port}/"
    grace.visit(path)
    own = hub.url.rstrip("/")
    assert grace.client.post(path, headers={"Origin": "https://evil.example"}).status_code == 403
    assert grace.client.post(path, headers={"Origin": own}).status_code == 200


def test_another_user_is_refused_a_port(hub: Hub, grace: User, port: int):
    assert hub.user("other-bytes").visit(f"/user/{grace.name}/proxy/{port}/").status_code == 403
