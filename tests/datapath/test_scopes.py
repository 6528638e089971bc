"""What an app says about scopes ends at its own path."""

import base64
import threading
from collections.abc import Iterator
from socketserver import StreamRequestHandler, ThreadingTCPServer

import pytest
from slipway_datapath.headers import without_credentials
from slipway_datapath.scopes import ORIGIN_WIDE, Place, confined

from tests.datapath.test_framing import answers, connected
from tests.datapath.test_websockets import KEY
from tests.support.jupyter import TOKEN, Jupyter

APP = "/user/jo/app"


def place(requested: str = f"{APP}/x/y", app: str = APP, **changes) -> Place:
    known = {"knows_path": False, "login_cookie": "own-name", "loads_worker": False}
    return Place(app, requested, **known | changes)


def cookie(said: str, **changes) -> str | None:
    passed = confined([("Set-Cookie", said)], place(**changes))
    return passed[0][1] if passed else None


@pytest.mark.parametrize(
    ("path", "own"),
    [
        ("/", f"{APP}/"),
        ("/sub", f"{APP}/sub"),
        (APP, APP),
        (f"{APP}/sub/", f"{APP}/sub/"),
        ("/user/jo/", f"{APP}/"),
        ("/user/jo", f"{APP}/"),
        ("/user", f"{APP}/"),
        ("/user/jo/application/", f"{APP}/user/jo/application/"),
        ("/hub/", f"{APP}/hub/"),
        (f"{APP}/../../../hub/", f"{APP}/"),
        (f"{APP}/%2E./", f"{APP}/"),
        (f"{APP}/\\..\\", f"{APP}/"),
        (f"{APP}/{'x' * 2000}", f"{APP}/"),
        ("/../x", f"{APP}/"),
    ],
)
def test_a_cookies_path_is_the_apps_or_below_it(path: str, own: str):
    assert cookie(f"a=1; Path={path}; HttpOnly") == f"a=1; HttpOnly; Path={own}"


@pytest.mark.parametrize("path", ["/", "/hub/", "/user/jo/", f"{APP}ended/", "/sub"])
def test_an_app_that_knows_its_path_means_all_of_it(path: str):
    assert cookie(f"a=1; path={path}", knows_path=True) == f"a=1; Path={APP}/"


def test_a_cookie_without_path_stays_where_its_page_is():
    assert cookie("a=1; Secure") == "a=1; Secure"
    assert cookie("a=1; Path=; Secure") == "a=1; Secure"
    assert cookie("a=1; Path=relative") == "a=1"
    assert cookie("a=1; Path=/; Path=relative") == "a=1"


def test_a_page_at_the_apps_path_itself_has_a_cookie_of_the_app():
    """Browsers would take it for everything beside the app."""
    assert cookie("a=1", requested=APP) == f"a=1; Path={APP}/"
    port = "/user/jo/proxy/8080"
    assert cookie("a=1", requested=port, app=port) == f"a=1; Path={port}/"


def test_a_cookie_is_for_this_host_alone():
    said = "a=1; Domain=example.org; SameSite=Lax; DOMAIN =.org;domain"
    assert cookie(said) == "a=1; SameSite=Lax"


@pytest.mark.parametrize(
    "name",
    [
        "_xsrf",
        "_XSRF",
        " _xsrf ",
        "__Host-_xsrf",
        "__host-jupyterhub-session-id",
        "__Secure-jupyterhub-hub-login",
        "jupyterhub-user-jo",
        "jupyterhub-user-jo-oauth-state",
        "JupyterHub-Session-Id",
        "username-localhost-8888",
        "oauthenticator-state",
        "own-name",
        "Own-Name",
        "=_xsrf",
        " =jupyterhub-session-id",
        "",
    ],
)
def test_cookies_that_the_hub_and_jupyter_go_by_cannot_be_set(name: str):
    assert cookie(f"{name}=1; Path=/") is None
    assert cookie(f"\t{name}=1") is None


@pytest.mark.parametrize(
    "name",
    [
        "_streamlit_xsrf",
        "user-id",
        "csrf-token",
        "rs-csrf-token",
        "vscode-tkn",
        "code-server-session",
        "my_xsrf",
        "theme",
    ],
)
def test_what_apps_set_stays(name: str):
    assert cookie(f"{name}=1=2; Path={APP}/") == f"{name}=1=2; Path={APP}/"


@pytest.mark.parametrize("name", ["__Host-jupyterhub-session-id", "__Secure-_xsrf", "JUPYTERHUB-x"])
def test_prefixed_cookies_of_the_hub_are_not_sent_to_apps(name: str):
    assert without_credentials([("Cookie", f"{name}=1; a=2")], "own", False) == [("Cookie", "a=2")]


@pytest.mark.parametrize(
    ("said", "scope"),
    [
        ("/", "/"),
        ("/user/jo/", "/"),
        (f"{APP}/", "/"),
        (APP, "/"),
        (f"{APP}/sub/", "/sub/"),
        (f"{APP}lication/", "/"),
        (f"{APP}/%2e%2e/", "/"),
        (f"{APP}/../", "/"),
        (f"{APP}/\\..\\..\\", "/"),
        (f"{APP}/.\t./", "/"),
        ("./", "/x/"),
        ("../../..", "/"),
        ("https://elsewhere.example/", "/"),
        ("http://[", "/"),
    ],
)
def test_a_service_worker_is_the_apps_own(said: str, scope: str):
    passed = confined([("service-worker-allowed", said)], place(loads_worker=True))
    assert passed == [("Service-Worker-Allowed", APP + scope)]


@pytest.mark.parametrize("fields", [[], [("Service-Worker-Allowed", "")]])
def test_a_worker_is_not_given_more_than_its_app_asks_for(fields: list[tuple[str, str]]):
    assert confined(fields, place(loads_worker=True)) == []


def test_a_worker_at_the_apps_path_itself_has_no_more():
    """Its folder would be everything beside the app."""
    passed = confined([("A", "b")], place(requested=APP, loads_worker=True))
    assert passed == [("A", "b"), ("Service-Worker-Allowed", f"{APP}/")]


def test_a_worker_of_one_port_is_none_of_another_that_begins_like_it():
    port = "/user/jo/proxy/80"
    passed = confined(
        [("Service-Worker-Allowed", port)], place(requested=f"{port}/sw.js", app=port)
    )
    assert passed == [("Service-Worker-Allowed", f"{port}/")]


@pytest.mark.parametrize("name", sorted(ORIGIN_WIDE))
def test_what_concerns_the_whole_origin_does_not_pass(name: str):
    assert confined([(name.title(), "x"), ("B", "c")], place()) == [("B", "c")]


SAID = (
    b"Service-Worker-Allowed: /\r\nClear-Site-Data: *\r\nSet-Cookie: a=1; Path=/; Domain=x\r\n"
    b"Set-Cookie: __Host-_xsrf=1; Path=/\r\nConnection: Set-Cookie\r\n"
)
SEEN = (b"Service-Worker-Allowed: %b/\r\n", b"Set-Cookie: a=1; Path=%b/\r\n")


def raw(answer: bytes) -> str:
    return f"raw/{base64.urlsafe_b64encode(answer).decode()}"


def check(answer: bytes, own: str) -> None:
    for line in SEEN:
        assert line % own.encode() in answer
    assert b"Clear-Site-Data" not in answer
    assert b"__Host-_xsrf" not in answer


@pytest.mark.parametrize("where", ["app", "trusted"])
def test_the_answers_of_named_apps_are_held_to_their_paths(ours: Jupyter, where: str):
    ending = b"HTTP/1.1 200 OK\r\n" + SAID + b"Content-Length: 2\r\n\r\nok"
    head = f"GET /user/jo/{where}/{raw(ending)} HTTP/1.1\r\nHost: localhost\r\n"
    sent = f"{head}Connection: close\r\nAuthorization: token {TOKEN}\r\n\r\n"
    check(answers(ours, sent.encode()), f"/user/jo/{where}")


@pytest.mark.parametrize("status", ["101 Switching Protocols", "403 Forbidden"])
def test_the_answers_to_handshakes_are_held_to_the_path_too(ours: Jupyter, status: str):
    ending = f"HTTP/1.1 {status}\r\n".encode() + SAID + b"\r\n"
    head = f"GET {APP}/{raw(ending)} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    with connected(ours) as browser:
        browser.sendall(
            f"{head}Connection: Upgrade\r\n{KEY}Authorization: token {TOKEN}\r\n\r\n".encode()
        )
        check(browser.recv(65536), APP)


class Port(StreamRequestHandler):
    def handle(self) -> None:
        while self.rfile.readline().strip():
            pass
        self.wfile.write(b"HTTP/1.1 200 OK\r\n" + SAID + b"Content-Length: 2\r\n\r\nok")


@pytest.fixture
def port() -> Iterator[int]:
    with ThreadingTCPServer(("127.0.0.1", 0), Port) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.mark.parametrize(
    "where", ["proxy/{}", "proxy/absolute/{}", "proxy/localhost:{}", "proxy/absolute/127.0.0.1:{}"]
)
@pytest.mark.parametrize("rest", ["", "/", "/x/y"])
def test_the_answers_of_ports_are_held_to_their_paths(
    ours: Jupyter, port: int, where: str, rest: str
):
    own = f"/user/jo/{where.format(port)}"
    head = f"GET {own}{rest} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    check(answers(ours, f"{head}Authorization: token {TOKEN}\r\n\r\n".encode()), own)
