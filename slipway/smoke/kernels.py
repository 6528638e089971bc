"""Code that runs inside a user's server: a Jupyter kernel over the websocket of JupyterLab.

https://jupyter-client.readthedocs.io/en/stable/messaging.html
"""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from websockets.asyncio.client import ClientConnection

from slipway.smoke import inside
from slipway.smoke.hub_api import expect
from slipway.smoke.report import Failure
from slipway.smoke.visitor import Visitor


@dataclass
class Result:
    """Of a cell: what it printed, and its outputs as a notebook keeps them."""

    text: str = ""
    outputs: list[dict[str, Any]] = field(default_factory=list)
    error: str = ""


class Kernel:
    def __init__(self, channel: ClientConnection) -> None:
        self._channel, self._session = channel, uuid.uuid4().hex

    async def run(self, code: str, seconds: float = 60) -> Result:
        """Run a cell to its end; nothing of it gets into the user's history."""
        message = self._message("execute_request", {"code": code, "store_history": False})
        own = message["header"]["msg_id"]
        result, open_ends = Result(), {"execute_reply", "idle"}
        async with asyncio.timeout(seconds):
            await self._channel.send(json.dumps(message))
            while open_ends:
                reply = json.loads(await self._channel.recv())
                if reply["parent_header"].get("msg_id") == own:
                    open_ends.discard(_take(reply["header"]["msg_type"], reply["content"], result))
        return result

    async def call(self, module: str, expression: str, seconds: float = 60) -> Any:
        """The value of an expression after a module of `slipway.smoke.inside` was run."""
        source = (files(inside) / f"{module}.py").read_text()
        code = f"{source}\nimport json as _json\nprint(_json.dumps({expression}))"
        result = await self.run(code, seconds)
        if result.error:
            raise Failure(f"inside the server: {result.error}")
        return json.loads(result.text.splitlines()[-1])

    def _message(self, kind: str, content: dict[str, Any]) -> dict[str, Any]:
        header = {
            "msg_id": uuid.uuid4().hex,
            "msg_type": kind,
            "session": self._session,
            "username": "",
            "version": "5.3",
        }
        blank: dict[str, Any] = {"parent_header": {}, "metadata": {}, "buffers": []}
        return {"header": header, "content": content, "channel": "shell", **blank}


def _take(kind: str, content: dict[str, Any], result: Result) -> str:
    """Put a message of the kernel into the result; return what has ended with it."""
    if kind == "stream":
        result.text += content["text"]
        result.outputs.append({"output_type": "stream", **content})
    elif kind == "execute_result":
        result.outputs.append({"output_type": kind, **content})
    elif kind == "error":
        result.error = f"{content['ename']}: {content['evalue']}"
    elif kind == "execute_reply":
        return kind
    elif kind == "status" and content["execution_state"] == "idle":
        return "idle"
    return ""


@asynccontextmanager
async def kernel(visitor: Visitor) -> AsyncIterator[Kernel]:
    """A kernel of the visitor's running server, ended afterwards."""
    answer = expect(await visitor.client.post(f"{visitor.prefix}/api/kernels", json={}), 201)
    path = f"{visitor.prefix}/api/kernels/{answer.json()['id']}"
    try:
        async with joined(visitor, answer.json()["id"]) as running:
            yield running
    finally:
        await visitor.client.delete(path)


@asynccontextmanager
async def joined(visitor: Visitor, kernel_id: str) -> AsyncIterator[Kernel]:
    path = f"{visitor.prefix}/api/kernels/{kernel_id}/channels?session_id={uuid.uuid4().hex}"
    async with visitor.websocket(path) as channel:
        yield Kernel(channel)
