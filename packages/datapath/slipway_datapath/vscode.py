"""Whether a user sits in front of a VS Code: read from what its page sends to its extensions.

An open page sends messages all the time: extensions ask it, files change, both sides say that they
are there. But it knows its user: `vscode.window.state.active` becomes false a minute after the last
key, click or move of the mouse, and true with the next. That travels in the connection to the
extension host, and is read here in passing.

Source: https://code.visualstudio.com/api/references/vscode-api#WindowState
"""

import re
import zlib
from collections.abc import Callable

from slipway_datapath.tunnel import CONTROL, Frames

_EXTENSION_HOST = b'"desiredConnectionType":2'
"""In the greeting of the connection that the state travels in: ConnectionType in VS Code's
src/vs/platform/remote/common/remoteAgentConnection.ts."""
_STATE = re.compile(
    re.escape(_EXTENSION_HOST) + rb"|\$onDidChangeWindowActive.{4}\[(true|false)", re.DOTALL
)
"""A call's name, the length of its arguments in four bytes, and these."""
MAX_WINDOWS = 1000
_OVERLAP = 64
"""What is looked for may have begun in the piece before."""
_PIECE_BYTES = 64 * 1024
_COMPRESSED, _FINAL = 0x40, 0x80
"""Bits of a frame's first byte."""


class WindowFrames(Frames):
    """Frames from a VS Code's page, which count while its user is there."""

    reads = True

    def __init__(self, on_data: Callable[[], None], windows: dict[str, bool], token: str) -> None:
        """`windows` remembers whether the user of each page is there, by the token that a page has:
        one that has lost its connection does not say it again with the next."""
        super().__init__(self._pass_on)
        self._record = on_data
        self._windows, self._token = windows, token
        self._is_used = False
        self._is_readable = True
        self._mask = b""
        self._compressed = self._is_control = False
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        self._rest = b""

    def _pass_on(self) -> None:
        # What cannot be read may be somebody at work.
        if self._is_used or not self._is_readable:
            self._record()

    def begin(self, first: int) -> None:
        self._mask = b""
        self._is_control = first & 0x0F >= CONTROL
        if not self._is_control and first & 0x0F:  # else it goes on as it began
            self._compressed = bool(first & _COMPRESSED)

    def take(self, piece: bytes) -> None:
        if len(self._mask) < 4:
            missing = 4 - len(self._mask)
            self._mask, piece = self._mask + piece[:missing], piece[missing:]
        if not piece or self._is_control or not self._is_readable:
            return
        plain = _unmasked(piece, self._mask)
        turn = len(piece) % 4
        self._mask = self._mask[turn:] + self._mask[:turn]
        self._read(plain)

    def end(self, first: int) -> None:
        """A compressed message comes without the four bytes that it ends with (RFC 7692)."""
        is_last = bool(first & _FINAL) and not self._is_control
        if self._compressed and is_last and self._is_readable:
            self._read(b"\x00\x00\xff\xff")

    def _read(self, data: bytes) -> None:
        if not self._compressed:
            self._look(data)
            return
        try:
            while data:
                self._look(self._inflater.decompress(data, _PIECE_BYTES))
                data = self._inflater.unconsumed_tail
        except zlib.error:
            self._is_readable = False

    def _remember(self, state: bytes | None) -> None:
        """A state that was said, or None for a greeting: who has just opened a page is there."""
        self._is_used = self._windows.get(self._token, True) if state is None else state == b"true"
        self._windows.pop(self._token, None)
        self._windows[self._token] = self._is_used
        if len(self._windows) > MAX_WINDOWS:
            del self._windows[next(iter(self._windows))]

    def _look(self, text: bytes) -> None:
        seen, end = self._rest + text, 0
        for found in _STATE.finditer(seen):
            self._remember(found[1])
            end = found.end()
        self._rest = seen[max(end, len(seen) - _OVERLAP) :]


def _unmasked(piece: bytes, mask: bytes) -> bytes:
    """RFC 6455, section 5.3. As two long numbers: byte for byte takes a hundred times as long."""
    length = len(piece)
    repeated = (mask * (length // 4 + 1))[:length]
    return (int.from_bytes(piece) ^ int.from_bytes(repeated)).to_bytes(length)
