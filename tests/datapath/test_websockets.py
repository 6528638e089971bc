"""Websockets between a browser and an app."""

import base64
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slipway_datapath.tunnel import Frames
from websockets.exceptions import InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.sync.client import ClientConnection, connect

from tests.support.jupyter import AUTHORIZATION, TOKEN, Jupyter

KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
UPGRADE = f"Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{KEY}"


def opened(jupyter: Jupyter, path: str = "socket/", **options) -> ClientConnection:
    url = f"{jupyter.url.replace('http', 'ws', 1)}{path}"
    headers = AUTHORIZATION | options.pop("headers", {})
    return connect(url, additional_headers=headers, max_size=None, **options)


@contextmanager
def spoken(jupyter: Jupyter, headers: str, path: str = "socket") -> Iterator[socket.socket]:
    with socket.create_connection(jupyter.address, timeout=60) as connection:
        head = f"GET /user/jo/{path}/ HTTP/1.1\r\nAuthorization: token {TOKEN}\r\n"
        connection.sendall(f"{head}{headers}\r\n".encode())
        yield connection


def test_messages_of_both_kinds_pass(ours: Jupyter):
    with opened(ours) as websocket:
        for message in ("text", b"binary", "", "ü" * 70000):
            websocket.send(message)
            assert websocket.recv(timeout=60) == message


def test_a_message_in_pieces_passes(ours: Jupyter):
    with opened(ours) as websocket:
        websocket.send(iter(["a" * 100000, "b", "c"]))
        assert websocket.recv(timeout=60) == "a" * 100000 + "bc"


def test_a_huge_message_is_not_held(ours: Jupyter):
    before = ours.peak_memory()
    message = b"m" * (64 * 2**20)
    with opened(ours, compression=None) as websocket:
        websocket.send(message)
        assert websocket.recv(timeout=30) == message
    assert ours.peak_memory() - before < 20 * 2**20


def test_the_browser_is_told_what_the_app_has_chosen(ours: Jupyter):
    with opened(ours, subprotocols=["first", "second"]) as websocket:
        assert websocket.subprotocol == "second"
    with opened(ours, subprotocols=["first"]) as websocket:
        assert websocket.subprotocol is None


def test_compression_is_agreed_between_browser_and_app(ours: Jupyter):
    with opened(ours) as websocket:
        assert "permessage-deflate" in websocket.response.headers["Sec-WebSocket-Extensions"]
    with opened(ours, compression=None) as websocket:
        assert "Sec-WebSocket-Extensions" not in websocket.response.headers


def test_close_codes_pass(ours: Jupyter):
    with opened(ours) as websocket:
        websocket.close(4321, "done")
        assert websocket.close_code == 4321


def test_no_credentials_reach_the_app(ours: Jupyter):
    headers = {"Cookie": "jupyterhub-user-jo=secret; theme=dark"}
    with opened(ours, headers=headers) as websocket:
        websocket.send("who")
        received = dict(json.loads(websocket.recv(timeout=60)))
    assert "Authorization" not in received
    assert received["Cookie"] == "theme=dark"


def test_an_app_that_refuses_is_believed(ours: Jupyter):
    with pytest.raises(InvalidStatus) as refused, opened(ours, "app/echo"):
        pass
    assert refused.value.response.status_code == 200
    with pytest.raises(InvalidStatus) as refused, opened(ours, "proxy/1/"):
        pass
    assert refused.value.response.status_code == 502


def test_a_silent_browser_is_pinged_and_one_that_has_gone_is_noticed(ours: Jupyter):
    """This one never answers a ping, as a laptop that was closed."""
    with spoken(ours, UPGRADE) as connection:
        said = b""
        while piece := connection.recv(65536):
            said += piece
    head, _, frames = said.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    assert frames == b"\x89\x00"


def test_a_browser_that_answers_pings_stays(ours: Jupyter):
    with opened(ours, ping_interval=None) as websocket:
        with pytest.raises(TimeoutError):
            websocket.recv(timeout=4.5)  # four silences
        websocket.send("still here")
        assert websocket.recv(timeout=60) == "still here"


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([0, 1, 125, 126, 65535, 65536]), st.booleans()), max_size=5),
    st.integers(1, 70000),
)
def test_frames_end_where_they_end(frames: list[tuple[int, bool]], step: int):
    data, ends = b"", {0}
    for length, masked in frames:
        data += Frame(Opcode.BINARY, b"x" * length).serialize(mask=masked)
        ends.add(len(data))
    boundary = Frames()
    position = 0
    while position < len(data):
        boundary.feed(data[position : position + step])
        position = min(position + step, len(data))
        assert boundary.at_boundary == (position in ends)


def test_pings_are_no_data():
    frames = Frames()
    for opcode in (Opcode.PING, Opcode.PONG, Opcode.CLOSE):
        assert not frames.feed(Frame(opcode, b"x" * 100).serialize(mask=True))
    assert frames.feed(Frame(Opcode.TEXT, b"").serialize(mask=True))


def test_an_open_but_silent_websocket_is_no_activity(ours: Jupyter):
    def last() -> str:
        return str(client.get("api/status").json()["last_activity"])

    with ours.client() as client, opened(ours, ping_interval=None) as websocket:
        websocket.send("work")
        websocket.recv(timeout=60)
        before = last()
        with pytest.raises(TimeoutError):
            websocket.recv(timeout=2.5)  # pings and pongs
        assert last() == before
        websocket.send("more work")
        websocket.recv(timeout=60)
        assert last() > before


def test_what_an_app_says_before_it_accepts_is_passed_over(ours: Jupyter):
    interim = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    accepted = "HTTP/1.1 101 Switching Protocols\r\nContent-Length: 5\r\n\r\n"
    for said, status in ((interim + accepted, b"101"), (interim * 11 + accepted, b"502")):
        path = f"app/kept/{base64.urlsafe_b64encode(said.encode()).decode()}"
        with spoken(ours, UPGRADE, path) as connection:
            answer = connection.recv(65536)
        assert answer.split()[1] == status
        assert status == b"502" or b"Content-Length" not in answer
