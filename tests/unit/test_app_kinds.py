"""The kinds of apps: found by standing in their folder, and what `slipway smoke` understands."""

import json
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import InvalidHandshake
from websockets.sync.client import connect

from slipway.model.apps import ICONS, KINDS, App
from slipway.model.apps.code_server import CodeServer
from slipway.model.apps.shiny import Shiny
from slipway.model.apps.streamlit import Streamlit
from tests.support.jupyter import wait_until


def test_a_kind_is_its_module_and_its_icon():
    assert {icon.stem for icon in ICONS.glob("*.svg")} == set(KINDS)
    modules = {path.stem for path in ICONS.parent.glob("*.py")}
    assert {kind.__module__.rpartition(".")[2] for kind in KINDS.values()} <= modules
    assert all(kind.default_title for kind in KINDS.values())


def result(app: App, *messages: bytes) -> str | None:
    probe = app.websocket_probe()
    assert probe is not None
    return probe.result(messages)


def test_streamlit_has_run_its_script_when_it_says_so():
    app = Streamlit(kind="streamlit")
    started = ForwardMsg(hash="x" * 300, session_status_changed={"script_is_running": True})
    assert result(app, started.SerializeToString()) is None
    finished = ForwardMsg(script_finished=ForwardMsg.FINISHED_SUCCESSFULLY)
    assert result(app, finished.SerializeToString()) == "the script ran to its end"
    broken = ForwardMsg(script_finished=ForwardMsg.FINISHED_WITH_COMPILE_ERROR)
    with pytest.raises(ValueError, match="does not compile"):
        result(app, broken.SerializeToString())
    with pytest.raises(ValueError, match="no protobuf message"):
        result(app, b"\xff")


def test_vs_codes_answer_may_come_in_pieces():
    app = CodeServer(kind="code-server")
    body = json.dumps({"type": "sign"}).encode()
    answer = struct.pack(">BIII", 2, 0, 0, len(body)) + body
    assert result(app, answer[:5]) is None
    assert result(app, answer[:5], answer[5:15]) is None
    assert "greeting" in str(result(app, answer[:5], answer[5:]))
    with pytest.raises(ValueError, match="answered 'error'"):
        result(app, answer.replace(b"sign", b"error").replace(b"\x10{", b"\x11{"))


def test_shinys_session_is_there_when_it_is_configured():
    app = Shiny(kind="shiny")
    assert result(app, b'{"busy": "busy"}') is None
    assert result(app, b'{"config": {}}') == "the session was configured"


def test_streamlit_takes_no_websocket_of_a_foreign_page(tmp_path: Path):
    """It listens on a port, which every page that its user visits can reach."""
    (tmp_path / "app.py").write_text("import streamlit as st\nst.write('private')\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = Streamlit(kind="streamlit", script="app.py").server_process("app").command
    words = [word.format(port=port) for word in command[1:]]
    process = subprocess.Popen([sys.executable, "-m", "streamlit", *words], cwd=tmp_path)
    try:
        wait_until(lambda: _opens(port, None))
        assert _opens(port, f"http://127.0.0.1:{port}")
        assert not _opens(port, "https://evil.example")
    finally:
        process.kill()
        process.wait()


def _opens(port: int, origin: Any) -> bool:
    try:
        with connect(f"ws://127.0.0.1:{port}/_stcore/stream", origin=origin):
            return True
    except (InvalidHandshake, OSError):
        return False
