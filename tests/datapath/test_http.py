"""What passes between a browser and an app over HTTP, and how."""

import base64
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.datapath.conftest import SETTINGS
from tests.support.jupyter import TOKEN, Jupyter, wait_until

AUTHORIZATION = f"Authorization: token {TOKEN}\r\n"
HANDSHAKE = "Connection: Upgrade\r\nUpgrade: websocket\r\n"


@pytest.fixture
def client(ours: Jupyter) -> Iterator[httpx.Client]:
    with ours.client() as client:
        yield client


@contextmanager
def spoken(jupyter: Jupyter, text: str) -> Iterator[socket.socket]:
    """A connection on which a request was sent, byte for byte."""
    with socket.create_connection(jupyter.address, timeout=60) as connection:
        connection.sendall(text.encode("latin1"))
        yield connection


def answer_to(jupyter: Jupyter, request_line: str, headers: str = "", body: str = "") -> bytes:
    text = f"{request_line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n{body}"
    with spoken(jupyter, text) as connection:
        said = b""
        while piece := connection.recv(65536):
            said += piece
    return said


def raw(answer: bytes, path: str = "raw") -> str:
    return f"app/{path}/{base64.urlsafe_b64encode(answer).decode()}"


@pytest.mark.parametrize(
    "path",
    [
        "/echo/a%2Fb",
        "/echo//double//",
        "/echo/%C3%A9%20%25",
        "/echo/..%2F..%2Fetc",
        "/echo/a?b=c%26d&e=%2F?",
        "/echo/semi;colon,comma=1",
    ],
)
def test_a_path_arrives_as_it_was_written(client: httpx.Client, path: str):
    url = httpx.URL(str(client.base_url)).copy_with(raw_path=f"/user/jo/app{path}".encode())
    assert client.get(url).json()["target"] == path


def test_dots_are_left_to_the_app_that_was_asked(ours: Jupyter):
    said = answer_to(ours, "GET /user/jo/app/echo/../../api", AUTHORIZATION)
    assert b'"target": "/echo/../../api"' in said


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_methods_and_bodies_pass(client: httpx.Client, method: str):
    answer = client.request(method, "app/echo", content=b"body").json()
    assert (answer["method"], answer["length"]) == (method, 4)


def test_head_has_the_length_and_no_body(client: httpx.Client):
    answer = client.head("app/bytes/1000")
    assert (answer.headers["Content-Length"], answer.content) == ("1000", b"")


def test_a_body_without_length_stays_one(client: httpx.Client):
    answer = client.post("app/echo", content=iter([b"a" * 70000, b"b"])).json()
    assert answer["length"] == 70001
    assert dict(answer["headers"])["Transfer-Encoding"] == "chunked"


def test_an_app_is_asked_no_faster_than_it_reads(client: httpx.Client, ours: Jupyter):
    """It takes one piece and rests: of 200 MB all but a little waits at the client."""
    before = client.get("app/state").json()["received"]
    peak = ours.peak_memory()
    pieces = (b"u" * 2**20 for _ in range(200))
    answers = []
    thread = threading.Thread(
        target=lambda: answers.append(ours.client().post("app/upload/gated", content=pieces))
    )
    thread.start()
    wait_until(lambda: client.get("app/state").json()["received"] > before)
    client.get("app/open-gate")
    thread.join(30)
    assert answers[0].json() == {"length": 200 * 2**20}
    assert ours.peak_memory() - peak < 20 * 2**20


def test_an_answer_before_the_end_of_the_upload_arrives(client: httpx.Client):
    answer = client.post("app/refuse", content=b"u" * (8 * 2**20))
    assert (answer.status_code, answer.text) == (413, "too much")


def test_connections_to_an_app_are_kept(client: httpx.Client):
    client.get("app/state")
    before = client.get("app/state").json()["connections"]
    for _ in range(20):
        client.get("app/bytes/200000")
        client.post("app/upload", content=b"u" * 200000)
    assert client.get("app/state").json()["connections"] - before <= 1


@pytest.mark.parametrize("path", ["drip", "silent"])
def test_an_app_is_told_that_its_client_has_gone(client: httpx.Client, ours: Jupyter, path: str):
    before = client.get("app/state").json()
    with spoken(
        ours, f"GET /user/jo/app/{path} HTTP/1.1\r\nHost: localhost\r\n{AUTHORIZATION}\r\n"
    ):
        wait_until(lambda: client.get("app/state").json()["begun"] > before["begun"])
    # Sooner than an app is given up that does not answer.
    wait_until(lambda: client.get("app/state").json()["broken_off"] > before["broken_off"], 5)


def test_an_upload_that_vanishes_ends_at_the_app(client: httpx.Client, ours: Jupyter):
    before = client.get("app/state").json()
    head = f"POST /user/jo/app/upload HTTP/1.1\r\nHost: localhost\r\n{AUTHORIZATION}"
    with spoken(ours, f"{head}Content-Length: 100000\r\n\r\n{'x' * 1000}"):
        wait_until(lambda: client.get("app/state").json()["received"] >= before["received"] + 1000)
    wait_until(lambda: client.get("app/state").json()["connections"] > 0)
    assert client.get("app/echo").status_code == 200


def test_informational_answers_and_trailers_do_not_disturb(client: httpx.Client):
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    rest = b"HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
    rest += b"2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n"
    answer = client.get(raw(early + rest, "kept"))
    assert (answer.status_code, answer.reason_phrase, answer.text) == (200, "Fine", "ok")
    assert "Link" not in answer.headers


def test_a_packed_answer_stays_packed(client: httpx.Client):
    body = b"not really gzip"
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 15\r\n\r\n"
    with client.stream("GET", raw(head + body)) as answer:
        assert b"".join(answer.iter_raw()) == body


def test_an_answer_that_the_end_of_the_connection_ends_is_whole(client: httpx.Client):
    assert client.get(raw(b"HTTP/1.1 200 OK\r\n\r\nto the end")).text == "to the end"


def test_no_header_of_one_connection_passes(client: httpx.Client):
    sent = {"Connection": "keep-alive, x-mine", "X-Mine": "1", "Keep-Alive": "9", "TE": "trailers"}
    received = dict(client.get("app/echo", headers=sent).json()["headers"])
    assert not set(received) & {"Connection", "X-Mine", "Keep-Alive", "Te"}
    answer = b"HTTP/1.1 200 OK\r\nConnection: close, X-Theirs\r\nX-Theirs: 1\r\nX-Other: 2\r\n\r\n"
    received = client.get(raw(answer)).headers
    assert "X-Theirs" not in received
    assert received["X-Other"] == "2"


def test_header_bytes_pass_unchanged(ours: Jupyter):
    said = answer_to(ours, "GET /user/jo/app/echo", AUTHORIZATION + "X-Name: J\xc3\xb6\r\n")
    assert b'["X-Name", "J\\u00c3\\u00b6"]' in said


def test_the_server_adds_no_etag_and_no_policy_of_its_own(client: httpx.Client):
    headers = client.get("app/bytes/10").headers
    assert not {"etag", "content-security-policy", "server"} & set(headers)


def test_only_whom_the_administrator_trusts_gets_credentials(client: httpx.Client):
    cookies = {"Cookie": "jupyterhub-session-id=s"}
    assert "jupyterhub-session-id" in client.get("trusted/echo", headers=cookies).text
    assert "jupyterhub-session-id" not in client.get("app/echo", headers=cookies).text


def test_a_token_in_the_address_stays_with_the_server(ours: Jupyter):
    with ours.client(authenticated=False) as client:
        assert client.get(f"app/echo?a=1&token={TOKEN}&b=2").json()["target"] == "/echo?a=1&b=2"


def test_authorization_of_the_app_itself_passes(ours: Jupyter):
    with ours.client(authenticated=False) as client:
        client.get("api/status", headers={"Authorization": f"token {TOKEN}"})
        received = client.get("app/echo", headers={"Authorization": "Basic abc"}).json()["headers"]
    assert ["Authorization", "Basic abc"] in received


def test_paths_are_mapped_and_absolute_urls_kept(client: httpx.Client):
    assert client.get("mapped/from").json()["target"] == "/echo/to"
    assert client.get("absolute/echo/a%2Fb").json()["target"] == "/user/jo/absolute/echo/a%2Fb"


def test_redirects_to_the_app_by_any_of_its_names_stay_in_it(client: httpx.Client, ours: Jupyter):
    def redirect(to: str) -> str:
        code = base64.urlsafe_b64encode(to.encode()).decode()
        return client.get(f"app/redirect?{code}").headers["Location"]

    own = ours.url.split("/user")[0]
    assert redirect(f"{own}/login") == "/user/jo/app/login"
    assert redirect("https://example.com/login") == "https://example.com/login"
    assert redirect("next?a=1") == "next?a=1"
    assert redirect("/user/jo/app") == "/user/jo/app"


@pytest.mark.parametrize(
    "headers",
    [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Content-Length: 4, 5\r\n",
        "Content-Length: +4\r\n",
        "Content-Length: 4\r\nContent-Length: 5\r\n",
    ],
)
def test_ambiguous_requests_are_refused(ours: Jupyter, client: httpx.Client, headers: str):
    before = client.get("app/state").json()["connections"]
    said = answer_to(ours, "POST /user/jo/app/echo", AUTHORIZATION + headers, "0\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 400 ")
    assert client.get("app/state").json()["connections"] - before <= 1


def test_an_app_that_never_answers_is_given_up(client: httpx.Client):
    answer = client.get("app/silent", headers={"Accept": "application/json"})
    assert answer.status_code == 504
    assert "does not answer" in answer.json()["title"]


def test_a_small_answer_gets_no_headers_of_ours(client: httpx.Client):
    answer = client.get(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: 1\r\n\r\nok"))
    assert answer.text == "ok"
    names = {name.lower() for name in answer.headers}
    assert names - {"set-cookie"} == {"content-length", "x-a"}  # the cookie is Jupyter's login


def test_whether_a_small_answer_has_changed_is_for_the_app_to_say(client: httpx.Client):
    answer = b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: "a"\r\n\r\nok'
    said = client.get(raw(answer), headers={"If-None-Match": '"a"'})
    assert (said.status_code, said.text) == (200, "ok")


def test_a_small_answer_in_chunks_arrives_whole(client: httpx.Client):
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
    assert client.get(raw(answer)).text == "abc"


def test_what_is_said_without_asking_an_app_leaves_the_connection_open(ours: Jupyter):
    request = (
        f"GET {httpx.URL(ours.url).path}proxy/1/ HTTP/1.1\r\nHost: localhost\r\n{AUTHORIZATION}\r\n"
    )
    with spoken(ours, request) as connection, connection.makefile("rwb") as stream:
        for _ in range(2):
            assert b" 502 " in stream.readline()
            length = 0
            while line := stream.readline().strip():
                assert not line.lower().startswith(b"connection: close")
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            assert stream.read(length)
            stream.write(request.encode())
            stream.flush()


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE", "POST"])
def test_a_request_without_body_leaves_its_connection_open(ours: Jupyter, method: str):
    path = f"{httpx.URL(ours.url).path}app/bytes/0"
    request = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{AUTHORIZATION}"
    request += f"Origin: http://localhost\r\n{'Content-Length: 0' if method == 'POST' else 'A: b'}"
    with spoken(ours, f"{request}\r\n\r\n") as connection, connection.makefile("rwb") as stream:
        for _ in range(3):
            assert stream.readline().startswith(b"HTTP/1.1 200 ")
            while line := stream.readline().strip():
                assert not line.lower().startswith(b"connection: close")
            stream.write(f"{request}\r\n\r\n".encode())
            stream.flush()


def test_requests_leave_nothing_to_the_garbage_collector(client: httpx.Client):
    """What it would find is what stops all users' apps for a moment, again and again."""

    def collected() -> float:
        """Of what is new: older generations may hold what others have left."""
        young = 'python_gc_objects_collected_total{generation="0"} '
        lines = client.get("metrics").text.splitlines()
        return next(float(line.removeprefix(young)) for line in lines if line.startswith(young))

    client.get("app/bytes/1000")
    before = collected()
    for _ in range(400):
        client.get("app/bytes/1000")
    assert collected() - before < 400


def test_who_has_sent_half_a_body_hears_at_once_that_the_app_wants_none(ours: Jupyter):
    path = f"{httpx.URL(ours.url).path}app/refuse"
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{AUTHORIZATION}Content-Length: 9\r\n\r\nhalf"
    )
    with spoken(ours, head) as connection:
        connection.settimeout(9)  # less than a client may linger
        assert b" 413 " in connection.recv(65536)


def test_an_answer_that_has_begun_may_rest(client: httpx.Client):
    with client.stream("GET", "app/drip") as answer:
        pieces = answer.iter_raw()
        assert next(pieces) == b"first"
        time.sleep(SETTINGS["DataPath"]["response_timeout"] + 0.5)
        client.get("app/open-gate")
        assert next(pieces) == b"second"
