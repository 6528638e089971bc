"""Where a request and an answer end: for the app as for whoever has read it before."""

import base64
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx
import pytest
from slipway_datapath.headers import end_to_end

from tests.support.jupyter import TOKEN, Jupyter

OK = b"HTTP/1.1 200 OK\r\n"
CLOSE = "Connection: close\r\n"
KNOWN = f"Host: localhost\r\nAuthorization: token {TOKEN}\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"


@contextmanager
def connected(jupyter: Jupyter) -> Iterator[socket.socket]:
    with socket.create_connection(jupyter.address, timeout=60) as connection:
        yield connection


def request(head: str, body: bytes = b"", version: str = "1.1", path: str = "echo") -> bytes:
    first = f"POST /user/jo/app/{path} HTTP/{version}\r\n"
    return f"{first}{KNOWN}{head}\r\n".encode() + body


def answers(jupyter: Jupyter, sent: bytes) -> bytes:
    """All that comes until the server closes, as it does after `CLOSE` or what it refuses."""
    received = b""
    with connected(jupyter) as connection:
        connection.sendall(sent)
        with suppress(ConnectionResetError):
            while piece := connection.recv(65536):
                received += piece
    return received


@pytest.mark.parametrize(
    "connection",
    [
        "Content-Length",
        "content-length, close",
        "keep-alive,\tCONTENT-LENGTH ",
        "Transfer-Encoding",
    ],
)
def test_a_body_keeps_its_length_whatever_connection_names(ours: Jupyter, connection: str):
    """Without it, the body would be the app's next request, with what we add to nobody's."""
    head = f"Connection: {connection}\r\nContent-Length: {len(SMUGGLED)}\r\n"
    with connected(ours) as client:
        client.sendall(request(head, SMUGGLED))
        answer = client.recv(65536)
    assert b'"length": %d' % len(SMUGGLED) in answer
    with ours.client() as other:
        assert other.get("app/echo/mine").json()["target"] == "/echo/mine"


@pytest.mark.parametrize("name", ["Host", "Cookie", "Authorization", "Origin", "Content-Type"])
def test_headers_with_a_meaning_cannot_be_named_away(ours: Jupyter, name: str):
    fields = {"Origin": str(httpx.URL(ours.url).copy_with(path="")).rstrip("/")}
    fields |= {"Cookie": "theme=dark", "Content-Type": "text/plain", "Authorization": "Basic eA=="}
    query = f"app/echo?token={TOKEN}"
    with ours.client(authenticated=False) as client:
        answer = client.post(query, headers={**fields, "Connection": f"close, {name.upper()}"})
    # Tornado takes `Authorization: Basic` for no login of Jupyter's: the token in the query is.
    assert answer.status_code == 200
    sent = dict(answer.json()["headers"])
    assert (name in sent) == (name != "Authorization")


def test_names_that_become_others_in_cgi_are_left_out():
    fields = [("Content_Length", "5"), ("Transfer_encoding", "chunked"), ("X_Forwarded_For", "me")]
    assert end_to_end([*fields, ("api_key", "1"), ("Host_", "2")]) == [
        ("api_key", "1"),
        ("Host_", "2"),
    ]


@pytest.mark.parametrize(
    "head",
    [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: -0\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: ٥\r\n",
        "Content-Length: 5 5\r\n",
        "Content-Length:\r\n",
        f"Content-Length: {'9' * 5000}\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding: \x0bchunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding:\r\n chunked\r\n",
        "X: a\r\n Content-Length: 5\r\n",
        "X: a\0b\r\n",
        "X: a\rContent-Length: 5\r\n",
    ],
)
def test_a_request_of_unclear_length_is_refused_and_nothing_follows(ours: Jupyter, head: str):
    answer = answers(ours, request(head, b"5\r\nhello\r\n0\r\n\r\n" + request(CLOSE)))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"HTTP/1.1 200" not in answer


def test_chunks_of_a_client_that_knows_none_are_refused(ours: Jupyter):
    sent = request(f"{CLOSE}Transfer-Encoding: chunked\r\n", b"0\r\n\r\n", "1.0")
    assert b" 400 " in answers(ours, sent).split(b"\r\n")[0]


@pytest.mark.parametrize(
    "body", [b"5;x=y\r\nhello\r\n0\r\n\r\n", b"5\nhello\n0\n\n", b"0\r\nTrailer: 1\r\n\r\n"]
)
def test_what_not_all_take_for_a_chunk_ends_the_connection(ours: Jupyter, body: bytes):
    answer = answers(ours, request("Transfer-Encoding: chunked\r\n", body + request(CLOSE)))
    assert b"200 OK" not in answer


@pytest.mark.parametrize("length", ["0", "000", "005"])
def test_a_length_is_told_in_digits_that_all_read_alike(ours: Jupyter, length: str):
    body = b"hello"[: int(length)]
    answer = answers(ours, request(f"{CLOSE}Content-Length: {length}\r\n", body))
    assert b'["Content-Length", "%d"]' % int(length) in answer


def test_an_app_is_told_the_host_by_whom_need_not_say_it(ours: Jupyter):
    head = f"GET /user/jo/app/echo HTTP/1.0\r\n{CLOSE}Authorization: token {TOKEN}\r\n\r\n"
    assert b'"Host"' in answers(ours, head.encode())


def test_a_query_reaches_the_app_in_visible_ascii(ours: Jupyter):
    head = f"GET /user/jo/app/echo?a=\xff%20|&b HTTP/1.1\r\n{KNOWN}{CLOSE}\r\n"
    answer = answers(ours, head.encode("latin1"))
    assert b'"target": "/echo?a=%FF%20|&b"' in answer


@pytest.mark.parametrize("connection", ["keep-alive", "close"])
def test_a_client_that_knows_no_chunks_reads_to_the_end_of_the_connection(
    ours: Jupyter, connection: str
):
    """An answer of unknown length, and then nothing: not the answer to its next request."""
    code = base64.urlsafe_b64encode(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")
    head = f"Authorization: token {TOKEN}\r\nConnection: {connection}\r\n\r\n"
    with connected(ours) as client:
        client.sendall(f"GET /user/jo/app/kept/{code.decode()} HTTP/1.0\r\n{head}".encode() * 2)
        received = b""
        while piece := client.recv(65536):
            received += piece
    assert received.count(b"HTTP/1.1") == 1
    assert b"Keep-Alive" not in received
    assert received.endswith(b"\r\n\r\nok")
    assert b"chunked" not in received


@pytest.mark.parametrize(
    ("connection", "version"), [("keep-alive", "1.1"), ("Upgrade", "1.0"), ("Upgraded", "1.1")]
)
def test_an_upgrade_is_one_only_where_both_headers_say_so(
    ours: Jupyter, connection: str, version: str
):
    """configurable-http-proxy takes it for a request like any other, and so would read on."""
    head = f"GET /user/jo/app/echo HTTP/{version}\r\n{KNOWN}"
    head += f"Connection: {connection}\r\nUpgrade: websocket\r\n\r\n"
    with connected(ours) as client:
        client.sendall(head.encode())
        answer = client.recv(65536)
    assert b" 200 OK" in answer.split(b"\r\n")[0]
    assert b'"Upgrade"' not in answer


def raw(answer: bytes) -> str:
    return f"app/kept/{base64.urlsafe_b64encode(answer).decode()}"


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (OK + b"Connection: Content-Length\r\nContent-Length: 2\r\n\r\nok", "ok"),
        (OK + b"Connection: close, Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n", None),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", ""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", ""),
        (b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", ""),
        (
            OK
            + b"Transfer-Encoding: chunked\r\nTrailer: X\r\n\r\n2;e=1\r\nok\r\n0\r\nX: 1\r\n\r\n",
            "ok",
        ),
    ],
)
def test_an_answer_ends_where_its_app_ends_it(ours: Jupyter, answer: bytes, body: str | None):
    with ours.client() as client:
        if body is None:
            answer += b"2\r\nok\r\n0\r\n\r\n"
        said = client.get(raw(answer))
        assert said.text == ("ok" if body is None else body)
        assert said.headers.get("Content-Length", str(len(said.content))) == str(len(said.content))
        assert client.get("app/echo/next").json()["target"] == "/echo/next"


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok",
        OK + b"Content-Length: 2, 2\r\n\r\nok",
        OK + b"Content-Length: +2\r\n\r\nok",
        OK + b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        OK + b"X: a\x01b\r\nContent-Length: 2\r\n\r\nok",
        OK + b"X: a\rb\r\nContent-Length: 2\r\n\r\nok",
        OK + b"X: a\r\n b\r\nContent-Length: 2\r\n\r\nok",
    ],
)
def test_an_answer_that_readers_could_cut_differently_is_none(ours: Jupyter, answer: bytes):
    with ours.client() as client:
        assert client.get(raw(answer)).status_code == 502
    assert "Traceback" not in ours.log.read_text()
