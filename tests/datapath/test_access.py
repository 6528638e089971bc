"""Who may reach an app: its user, from its own pages. Nobody else, over HTTP or a websocket."""

import socket
from pathlib import Path

import httpx
import pytest

from tests.datapath.test_websockets import KEY
from tests.support.jupyter import AUTHORIZATION, Jupyter, running_jupyter

PATHS = ["app/echo", "absolute/echo", "proxy/1/", "proxy/localhost:1/", "missing/", "socket/"]


@pytest.fixture
def stranger(ours: Jupyter) -> httpx.Client:
    return ours.client(authenticated=False)


def status(jupyter: Jupyter, path: str, headers: str, body: str = "") -> int:
    """Of a request for a websocket."""
    with socket.create_connection(jupyter.address, timeout=60) as connection:
        head = f"GET /user/jo/{path} HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{KEY}"
        connection.sendall(f"{head}{headers}\r\n{body}".encode())
        return int(connection.recv(65536).split()[1])


@pytest.mark.parametrize("path", PATHS)
def test_anonymous_users_are_sent_to_log_in(stranger: httpx.Client, ours: Jupyter, path: str):
    assert stranger.get(path).status_code == 302
    assert stranger.post(path).status_code == 403
    assert status(ours, path, "Host: localhost\r\n") in (302, 403)


@pytest.mark.parametrize(
    ("method", "path", "known", "status"),
    [
        ("GET", "app/echo", False, 302),
        ("POST", "app/echo", False, 403),
        ("GET", "proxy/1/", True, 502),
        ("GET", "proxy/192.0.2.1:1/", True, 403),
        ("GET", "crashing/", True, 500),
    ],
)
def test_whatever_the_server_says_itself_has_its_policy(
    ours: Jupyter, method: str, path: str, known: bool, status: int
):
    """Against foreign frames and guessed types. What apps answer has only their headers."""
    with ours.client(known) as client:
        answer = client.request(method, path)
    assert answer.status_code == status
    assert answer.headers.get_list("X-Content-Type-Options") == ["nosniff"]
    (policy,) = answer.headers.get_list("Content-Security-Policy")
    assert "frame-ancestors 'self'" in policy
    for name in ("Server", "Date", "Content-Type"):
        assert len(answer.headers.get_list(name)) == 1


@pytest.mark.parametrize("path", PATHS)
def test_a_wrong_token_is_none(stranger: httpx.Client, path: str):
    assert stranger.get(path, headers={"Authorization": "token wrong"}).status_code == 302


def test_no_byte_of_an_anonymous_upload_reaches_the_app(stranger: httpx.Client, ours: Jupyter):
    with ours.client() as known:
        before = known.get("app/state").json()
        assert stranger.post("app/upload", content=b"u" * 2**22).status_code == 403
        after = known.get("app/state").json()
    assert after["received"] == before["received"]


def test_a_websocket_does_not_begin_with_a_body(ours: Jupyter):
    """It would be for the server what the app takes for frames."""
    token = "".join(f"{name}: {value}\r\n" for name, value in AUTHORIZATION.items())
    headers = f"Host: localhost\r\n{token}Content-Length: 5\r\n"
    assert status(ours, "socket/", headers, "hello") == 400


@pytest.mark.parametrize("path", ["app/echo", "socket/", "proxy/1/"])
@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil.example"]
)
def test_foreign_pages_can_neither_send_nor_open_websockets(
    stranger: httpx.Client, ours: Jupyter, path: str, origin: str
):
    stranger.get("api/status", headers=AUTHORIZATION)
    (cookie,) = (f"{c.name}={c.value}" for c in stranger.cookies.jar if "username" in c.name)
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert stranger.request(method, path, headers={"Origin": origin}).status_code == 403
    host, port = ours.address
    known = f"Host: {host}:{port}\r\nCookie: {cookie}\r\n"
    assert status(ours, path, f"{known}Origin: {origin}\r\n") == 403
    own = {"app/echo": 200, "socket/": 101, "proxy/1/": 502}[path]
    assert status(ours, path, f"{known}Origin: http://{host}:{port}\r\n") == own


@pytest.mark.parametrize(
    ("origin", "site", "expected"),
    [
        ("null", "same-origin", 200),  # a form whose page sends no referrer
        ("null", "cross-site", 403),  # a sandboxed frame, even the app's own
        ("null", "same-site", 403),
        ("null", None, 403),
        ("https://evil.example", "same-origin", 403),  # no browser says that
    ],
)
def test_a_form_without_origin_is_taken_from_the_apps_own_pages_alone(
    stranger: httpx.Client, origin: str, site: str | None, expected: int
):
    stranger.get("api/status", headers=AUTHORIZATION)
    headers = {"Origin": origin} | ({"Sec-Fetch-Site": site} if site else {})
    assert stranger.post("app/echo", headers=headers).status_code == expected


@pytest.mark.parametrize("path", ["proxy/example.com:80/", "proxy/absolute/169.254.169.254:80/"])
def test_only_allowed_hosts_are_reached(ours: Jupyter, path: str):
    with ours.client() as client:
        assert client.get(path).status_code == 403
        assert client.post(path, content=b"body").status_code == 403
    token = "".join(f"{name}: {value}\r\n" for name, value in AUTHORIZATION.items())
    assert status(ours, path, f"Host: localhost\r\n{token}") == 403


def test_a_broken_transport_leaves_no_app_rather_than_one_without_walls(tmp_path: Path):
    (tmp_path / "httptools.py").write_text("raise ImportError('for this test')")
    broken = {"PYTHONPATH": str(tmp_path)}
    server = {"app": {"port": 1}}
    with running_jupyter("ours", tmp_path / "jupyter", server, environment=broken) as jupyter:
        with jupyter.client() as client:
            assert client.get("api").status_code == 200
            assert [client.get(path).status_code for path in ("app/x", "proxy/1/x")] == [404, 404]
        assert "for this test" in jupyter.log.read_text()


def test_a_user_who_enables_jupyter_server_proxy_has_our_handlers(tmp_path: Path):
    both = {"jupyter_server_proxy": True}
    with (
        running_jupyter("ours", tmp_path / "jupyter", {}, enabled=both) as jupyter,
        jupyter.client() as client,
    ):
        assert client.get("proxy/1/").json()["title"] == "Nothing listens on port 1"
