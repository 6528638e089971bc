from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from slipway.model.apps.activity import Activity
from slipway.model.apps.base import App, Requirement, ServerProcess, WebsocketProbe, literal
from slipway.model.base import Text

_RERUN = b"\x5a\x00"
"""A BackMsg whose rerun_script is empty: streamlit/proto/BackMsg.proto"""
_SCRIPT_FINISHED = 6
"""A field of ForwardMsg; 0 is success: streamlit/proto/ForwardMsg.proto"""


class Streamlit(App):
    """A Streamlit application (https://docs.streamlit.io)."""

    kind: Literal["streamlit"]
    script: Text = "streamlit/app.py"
    """The script to run, relative to the home."""

    default_title: ClassVar[str] = "Streamlit"
    packages: ClassVar[Mapping[str, str]] = {"streamlit": "Streamlit"}
    usual_activity: ClassVar[Activity] = Activity(
        heartbeats=(r"/_stcore/(health|host-config)$", r"^/static/"), websocket="input"
    )

    def server_process(self, name: str) -> ServerProcess:
        return ServerProcess(
            command=(
                "streamlit",
                "run",
                literal(self.script),
                "--server.port={port}",
                "--server.address=127.0.0.1",
                "--server.headless=true",
                # It takes no unix socket, so its own checks of origins stay: any page that a user
                # visits can reach a port of their machine.
                "--browser.gatherUsageStats=false",
            ),
            requires=Requirement("streamlit", "pip install streamlit"),
            needs_file=self.script,
        )

    def websocket_probe(self) -> WebsocketProbe:
        return WebsocketProbe("_stcore/stream", _RERUN, _script_state, subprotocol="streamlit")


def _script_state(messages: Sequence[bytes]) -> str | None:
    from google.protobuf.empty_pb2 import Empty
    from google.protobuf.message import DecodeError
    from google.protobuf.unknown_fields import UnknownFieldSet

    try:
        # To a message class without fields, every field is an unknown one.
        message = Empty.FromString(messages[-1])
    except DecodeError as error:
        raise ValueError("it sent what is no protobuf message") from error
    fields = {field.field_number: field.data for field in UnknownFieldSet(message)}
    if _SCRIPT_FINISHED not in fields:
        return None
    if fields[_SCRIPT_FINISHED] != 0:
        raise ValueError(f"the script does not compile (status {fields[_SCRIPT_FINISHED]})")
    return "the script ran to its end"
