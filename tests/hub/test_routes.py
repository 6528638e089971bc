"""Routes over HTTP against a real JupyterHub, proxy and user servers."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

import pytest

from tests.support.local import Hub, User


def landed(answer) -> str:
    parts = urlsplit(str(answer.url))
    return parts.path + (f"?{parts.query}" if parts.query else "")


@pytest.fixture
def port() -> Iterator[int]:
    """Something of the user's own that listens on a port and echoes what it is asked for."""

    class Echo(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.path.encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_a_logged_out_visitor_logs_in_on_the_way_and_lands_in_the_app_with_path_and_query(hub: Hub):
    visitor = User(hub, "logged-out")
    answer = visitor.visit("/lab/tree/examples%20x?a=1&b=x%20y")
    assert landed(answer) == "/user/logged-out/lab/tree/examples%20x?a=1&b=x%20y"
    assert answer.status_code == 200


def test_a_route_starts_the_profile_it_needs_in_the_default_server(hub: Hub):
    user = hub.user("stopped")
    answer = user.visit("/code")
    assert landed(answer).startswith("/user/stopped/code/")
    assert answer.status_code == 200
    assert user.servers()[""]["user_options"] == {"profile": "vscode"}


def test_a_route_uses_the_server_that_already_runs_its_profile(hub: Hub):
    user = hub.user("running")
    user.start("vscode")
    answer = user.get("/hub/user-redirect/code/?folder=/tmp")
    assert answer.status_code == 302
    assert answer.headers["location"] == "/user/running/code/?folder=/tmp"
    assert list(user.servers()) == [""]


def test_another_profile_running_gets_a_named_server_beside_it(hub: Hub):
    user = hub.user("beside")
    user.start("vscode")
    answer = user.visit("/rstudio/?a=1")
    assert landed(answer) == "/user/beside/rstudio-server/rstudio/?a=1"
    servers = user.servers()
    assert servers[""]["user_options"] == {"profile": "vscode"}
    assert servers["rstudio-server"]["user_options"] == {"profile": "rstudio"}
    again = user.get("/hub/user-redirect/rstudio/x")
    assert again.headers["location"] == "/user/beside/rstudio-server/rstudio/x"


@pytest.mark.parametrize("start", ["/hub/user-redirect/proxy", "/hub/proxy", "/proxy"])
def test_a_port_of_the_own_server_is_reached_with_path_and_query(hub: Hub, port: int, start: str):
    user = hub.user("ports")
    answer = user.visit(f"{start}/{port}/some/path?a=1")
    assert landed(answer) == f"/user/ports/proxy/{port}/some/path?a=1"
    assert answer.text == "/some/path?a=1"


@pytest.mark.parametrize("start", ["/hub/proxy/8080", "/proxy/8080", "/proxy/8080/?a=1"])
def test_short_port_paths_redirect_to_user_redirect(hub: Hub, start: str):
    answer = User(hub).get(start)
    assert answer.status_code == 302
    tail = start[start.index("/proxy") :]
    assert answer.headers["location"] == f"/hub/user-redirect{tail}"


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example/x",
        "/https://evil.example/",
        "/code//evil.example/",
        "/lab/%2f%2fevil.example",
        "/proxy//evil.example",
    ],
)
def test_no_route_leads_out_of_the_own_server(hub: Hub, path: str):
    user = hub.user("closed")
    for prefix in ("/hub/user-redirect", ""):
        if not prefix and path.startswith("//"):
            continue
        url = f"{hub.url.rstrip('/')}{prefix}{path}"
        for _ in range(8):
            answer = user.get(url)
            if not answer.is_redirect:
                break
            location = answer.headers["location"]
            own = urlsplit(hub.url).netloc
            assert urlsplit(location).netloc in ("", own), location
            assert not location.startswith(("//", "/\\")), location
            url = str(answer.next_request.url)


@pytest.mark.parametrize(
    "path", ["code/%2e%2e/%2e%2e/hub/admin", "code/..%2f..%2fhub", "code/..%5c..%5chub/admin"]
)
def test_a_path_that_climbs_out_of_the_app_is_refused(hub: Hub, path: str):
    user = hub.user("climber")
    # 404 where the proxy resolved the path before the hub saw it.
    assert user.get(f"/hub/user-redirect/{path}").status_code in (400, 404)
    assert User(hub).get(f"/hub/slipway-route/{path}").status_code in (400, 404)


def test_a_route_of_a_similar_name_is_not_a_route(hub: Hub):
    answer = User(hub).get("/codex")
    assert answer.status_code == 302
    assert "user-redirect" not in answer.headers["location"]


def test_logging_in_lands_in_the_default_profile(hub: Hub):
    answer = User(hub, "newcomer").visit("/")
    assert landed(answer).startswith("/user/newcomer/code/")
    assert "workbench" in answer.text
