"""What a VS Code's page says of its user, in frames as browsers send them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slipway_datapath.vscode import MAX_WINDOWS, WindowFrames
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode

GREETING = b'{"type":"connectionType","desiredConnectionType":2,"args":{}}'
MANAGEMENT = b'{"type":"connectionType","desiredConnectionType":1,"args":{}}'
KEEPALIVE = b"\x09" + b"\0" * 12


def state(active: bool) -> bytes:
    """As VS Code 1.139 sends it: header, kind of message, number, actor, method, arguments."""
    arguments = b"[true]" if active else b"[false]"
    method = b"$onDidChangeWindowActive"
    size = len(arguments).to_bytes(4)
    return b"\x01\0\0\x04\xa8\0\0\x03\x8e\0\0\0\x2a\x01\0\0\0\xd2v\x18" + method + size + arguments


class Page:
    """A page's end of a websocket."""

    def __init__(
        self, compressed: bool = True, windows: dict[str, bool] | None = None, step: int = 2**20
    ) -> None:
        self.counted = 0
        self._extensions = [PerMessageDeflate(False, False, 15, 15)] if compressed else []
        self._step = step
        known = {} if windows is None else windows
        self._frames = WindowFrames(self._count, known, "a-token")

    def _count(self) -> None:
        self.counted += 1

    def send(self, message: bytes, opcode: Opcode = Opcode.BINARY) -> bool:
        """Whether it counts as work."""
        before = self.counted
        self.feed(Frame(opcode, message).serialize(mask=True, extensions=self._extensions))
        return self.counted > before

    def feed(self, data: bytes) -> None:
        for start in range(0, len(data), self._step):
            self._frames.feed(data[start : start + self._step])


@pytest.mark.parametrize("compressed", [True, False])
@settings(deadline=None, max_examples=30)
@given(step=st.integers(1, 100))
def test_messages_count_while_somebody_is_there(compressed: bool, step: int):
    page = Page(compressed, step=step)
    assert not page.send(KEEPALIVE)
    page.send(GREETING)
    assert page.send(KEEPALIVE)
    page.send(b"x" * 3000)
    page.send(state(False))
    assert not page.send(KEEPALIVE)
    assert not page.send(b"a file has changed" * 100)
    page.send(state(True))
    assert page.send(KEEPALIVE)
    assert not page.send(b"", Opcode.PING)


def test_the_connection_of_the_workbench_never_counts():
    page = Page()
    assert not page.send(MANAGEMENT)
    assert not page.send(b"x" * 1000)


@pytest.mark.parametrize("there", [True, False])
def test_a_page_that_connects_again_knows_whether_its_user_is_there(there: bool):
    windows: dict[str, bool] = {}
    before = Page(windows=windows)
    before.send(GREETING)
    before.send(state(False))
    before.send(state(there))
    page = Page(windows=windows)
    page.send(GREETING)
    assert page.send(KEEPALIVE) == there
    assert page.send(state(True))


def test_no_more_pages_are_remembered_than_a_user_may_have():
    windows = {str(number): True for number in range(MAX_WINDOWS)}
    Page(windows=windows).send(GREETING)
    assert len(windows) == MAX_WINDOWS
    assert "0" not in windows


def test_a_message_in_several_frames_is_read_as_one():
    page = Page(compressed=False)
    page.send(GREETING)
    said = state(False)
    page.feed(Frame(Opcode.BINARY, said[:40], fin=False).serialize(mask=True, extensions=[]))
    page.feed(Frame(Opcode.PONG, b"z").serialize(mask=True, extensions=[]))
    page.feed(Frame(Opcode.CONT, said[40:]).serialize(mask=True, extensions=[]))
    assert not page.send(KEEPALIVE)


def test_what_cannot_be_read_may_be_work():
    page = Page(compressed=False)
    garbage = Frame(Opcode.BINARY, b"\xff" * 100).serialize(mask=True, extensions=[])
    page.feed(bytes([garbage[0] | 0x40]) + garbage[1:])  # as if it were compressed
    assert page.send(KEEPALIVE)
