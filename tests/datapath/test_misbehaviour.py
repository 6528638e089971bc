"""Apps and clients that break the rules: the right answer, bounded memory, a server that stays."""

import base64
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.jupyter import TOKEN, Jupyter, wait_until

MIB = 2**20
FEW = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
FRAMING = (b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n")
OK = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def client(ours: Jupyter) -> Iterator[httpx.Client]:
    """Whatever happens, the server answers afterwards, and has neither grown nor a traceback."""
    before = ours.peak_memory()
    with ours.client() as client:
        yield client
        assert client.get("app/echo").status_code == 200
    assert ours.peak_memory() - before < 20 * MIB
    assert "Traceback" not in Path(ours.log).read_text()


def raw(answer: bytes, path: str = "raw") -> str:
    return f"app/{path}/{base64.urlsafe_b64encode(answer).decode()}"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"not HTTP at all\r\n\r\n",
        b"HTTP/1.1 99999 OK\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
        OK + b"no colon\r\n\r\n",
        OK + b"Content-Length: -1\r\n\r\n",
        OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: gzip\r\n\r\nx",
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        OK + b"X-Nul: a\0b\r\n\r\n",
        OK + b"Na me: 1\r\nContent-Length: 0\r\n\r\n",
        OK + b"X: y\r\n" * 2000 + b"\r\n",
        b"HTTP/1.1 103 Early Hints\r\n\r\n",
    ],
)
def test_an_answer_that_makes_no_sense_is_a_bad_gateway(client: httpx.Client, answer: bytes):
    said = client.get(raw(answer))
    assert said.status_code == 502
    assert said.json()["title"]


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"Content-Length: 10\r\n\r\nshort",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
    ],
)
def test_an_answer_that_breaks_off_does_not_look_whole(client: httpx.Client, answer: bytes):
    with pytest.raises(httpx.TransportError):
        client.get(raw(answer))


def test_more_than_was_promised_is_dropped(client: httpx.Client):
    assert client.get(raw(OK + b"Content-Length: 2\r\n\r\nokand more")).content == b"ok"
    assert client.get(raw(OK + b"Content-Length: 2\r\n\r\nok" + OK, "kept")).content == b"ok"
    second = b"HTTP/1.1 500 Not Yours\r\nContent-Length: 0\r\nX: y\r\n\r\n"
    first = client.get(raw(OK + b"Content-Length: 2\r\n\r\nok" + second, "kept"))
    assert (first.status_code, first.reason_phrase, first.content) == (200, "OK", b"ok")
    assert "X" not in first.headers
    for _ in range(3):  # each could be given what was left over from the one before
        assert client.head(raw(OK + b"Content-Length: 2\r\n\r\nok", "kept")).content == b""
        assert client.get("app/echo/mine").json()["target"] == "/echo/mine"


@pytest.mark.parametrize("kind", ["headers", "header", "1xx"])
def test_headers_without_end_are_a_bad_gateway(client: httpx.Client, kind: str):
    assert client.get(f"app/flood/{kind}").status_code == 502


def test_trailers_without_end_break_off(client: httpx.Client):
    with pytest.raises(httpx.TransportError):
        client.get("app/flood/trailers")


@FEW
@given(
    st.binary(max_size=300)
    | st.builds(lambda head, rest: OK + head + b"\r\n\r\n" + rest, st.binary(), st.binary())
    | st.lists(
        st.sampled_from(
            [
                OK,
                b"HTTP/1.1 100 Continue\r\n",
                b"\r\n",
                b"5\r\n",
                b"hello",
                b"0\r\n",
                b":",
                *FRAMING,
            ]
        ),
        max_size=9,
    ).map(b"".join),
    st.sampled_from(["GET", "HEAD", "POST"]),
)
def test_any_answer_is_survived(client: httpx.Client, answer: bytes, method: str):
    with suppress(httpx.TransportError):
        assert client.request(method, raw(answer)).status_code


@FEW
@given(st.binary(max_size=200), st.booleans())
def test_any_request_is_survived(client: httpx.Client, ours: Jupyter, request: bytes, known: bool):
    head = f"GET /user/jo/app/echo HTTP/1.1\r\nHost: x\r\nAuthorization: token {TOKEN}\r\n"
    with socket.create_connection(ours.address, timeout=60) as connection:
        connection.sendall((head.encode() if known else b"") + request + b"\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        with suppress(ConnectionResetError):
            while connection.recv(65536):
                pass


def test_a_client_that_reads_a_byte_at_a_time_holds_up_its_app_alone(
    client: httpx.Client, ours: Jupyter
):
    head = f"GET /user/jo/app/bytes/{300 * MIB} HTTP/1.1\r\nHost: x\r\n"
    with socket.create_connection(ours.address, timeout=60) as connection:
        connection.sendall(f"{head}Authorization: token {TOKEN}\r\n\r\n".encode())
        for _ in range(500):
            assert connection.recv(1)
        for _ in range(20):
            assert client.get("app/bytes/100000").status_code == 200


def test_a_million_headers_are_too_many(client: httpx.Client, ours: Jupyter):
    with socket.create_connection(ours.address, timeout=60) as connection:
        connection.sendall(b"GET /user/jo/app/echo HTTP/1.1\r\nHost: x\r\n")
        with pytest.raises(ConnectionError):
            connection.sendall(b"X: y\r\n" * 1_000_000)


def test_a_thousand_clients_that_vanish_leave_nothing(client: httpx.Client, ours: Jupyter):
    def descriptors() -> int:
        return int(ours.process.num_fds())

    before = descriptors()
    request = f"GET /user/jo/app/silent HTTP/1.1\r\nHost: x\r\nAuthorization: token {TOKEN}\r\n\r\n"
    for _ in range(20):
        connections = [socket.create_connection(ours.address, timeout=60) for _ in range(50)]
        for connection in connections:
            connection.sendall(request.encode())
        for connection in connections:
            connection.close()
    client.get("app/echo")
    # The server learns of the last ones when it comes to read them.
    wait_until(lambda: descriptors() - before < 100)


@pytest.mark.parametrize("more", [b"more", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_what_follows_a_whole_answer_reaches_nobody(client: httpx.Client, more: bytes):
    """The next request gets its own answer, not the rest of this one."""
    said = client.get(raw(OK + b"Content-Length: 2\r\n\r\nok" + more, "kept"))
    assert (said.status_code, said.text) == (200, "ok")
    assert client.get("app/echo/next").json()["target"] == "/echo/next"
