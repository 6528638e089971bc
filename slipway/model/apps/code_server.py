import json
import struct
import uuid
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from slipway.model.apps.activity import Activity
from slipway.model.apps.base import App, Requirement, ServerProcess, WebsocketProbe, literal
from slipway.model.base import Text
from slipway.untrusted import parse_json

_REMEDY = "`slipway up` installs it here; an image gets it from images/code-server"

_PROGRAM = "code-server"
_ELSEWHERE = "start a server of an image that has it there"

_CONTROL = 2
_HEADER = struct.Struct(">BIII")
"""Type, id, acknowledged id, length: VS Code's src/vs/base/parts/ipc/common/ipc.net.ts"""


class CodeServer(App):
    """VS Code in the browser (https://coder.com/docs/code-server)."""

    kind: Literal["code-server"]
    folder: Text | None = None
    """The folder to open, absolute or relative to the home; the home itself when left out."""
    program: Text = _PROGRAM
    """Its program, where an image has it elsewhere than on PATH."""
    arguments: tuple[Text, ...] = ()
    """Further options, as `code-server --help` lists them: `--user-data-dir=/config/data`. Where to
    listen and how to authenticate stay with Slipway."""

    workspace_trust: bool = True
    """Whether VS Code asks before a folder's own settings, tasks and git configuration may run
    programs. `false` trusts every folder, also one that a link opens (`/code?folder=DIR`)."""

    default_title: ClassVar[str] = "VS Code"
    packages: ClassVar[Mapping[str, str]] = {"code-server": "code-server"}
    usual_activity: ClassVar[Activity] = Activity(
        heartbeats=(r"^/healthz$", r"/manifest\.json$", r"/_static/"),
        websocket="vscode",
    )

    def server_process(self, name: str) -> ServerProcess:
        return ServerProcess(
            command=(
                literal(self.program),
                # Before ours: of two, code-server takes the last.
                *map(literal, self.arguments),
                "--auth=none",
                "--socket={unix_socket}",
                "--socket-mode=0600",
                "--disable-telemetry",
                "--disable-update-check",
                *(() if self.workspace_trust else ("--disable-workspace-trust",)),
                literal(self.folder or "."),
            ),
            unix_socket=True,
            # It listens first and adds its pages afterwards: until then all of them are 404.
            ready_path="/",
            requires=Requirement(self.program, _REMEDY if self.program == _PROGRAM else _ELSEWHERE),
        )

    def websocket_probe(self) -> WebsocketProbe:
        hello = json.dumps({"type": "auth", "auth": "0" * 20, "data": "hello"}).encode()
        query = f"reconnectionToken={uuid.uuid4()}&reconnection=false&skipWebSocketFrames=false"
        message = _HEADER.pack(_CONTROL, 0, 0, len(hello)) + hello
        return WebsocketProbe(f"?{query}", message, _greeting_state)


def _greeting_state(messages: Sequence[bytes]) -> str | None:
    received = b"".join(messages)
    if len(received) < _HEADER.size:
        return None
    end = _HEADER.size + _HEADER.unpack_from(received)[3]
    if len(received) < end:
        return None
    answer = parse_json(received[_HEADER.size : end])
    if answer.get("type") != "sign":
        raise ValueError(f"the editor answered {answer.get('type')!r} to a greeting")
    return "the editor answered the workbench's greeting"
