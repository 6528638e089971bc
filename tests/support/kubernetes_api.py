"""A Kubernetes API that lists and watches pods, and can be taken away and given back."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class KubernetesApi:
    url: str = ""
    pods: list[str] = field(default_factory=list)
    trouble: int | str | None = None
    """A status that it answers with, `"cut"`: each connection ends without an answer, or None."""
    unanswered: int = 0
    """Requests that got no pods since the trouble began."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def set(self, *pods: str, trouble: int | str | None = None) -> None:
        self.pods, self.trouble, self.unanswered = list(pods), trouble, 0
        self.changed.set()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if self.trouble:
            return self._refuse(request)
        if "watch" not in request.query:
            self.told = list(self.pods)
            return web.json_response(
                {"metadata": {"resourceVersion": "1"}, "items": [pod(name) for name in self.pods]}
            )
        watching = web.StreamResponse()
        await watching.prepare(request)
        if self.pods == self.told and not self.trouble:
            self.changed.clear()
            await self.changed.wait()
        if self.trouble:
            return self._cut(request)
        for name in self.pods:
            event = {"type": "ADDED", "object": pod(name)}
            await watching.write(json.dumps(event).encode() + b"\n")
        return watching

    def _refuse(self, request: web.Request) -> web.StreamResponse:
        self.unanswered += 1
        if isinstance(self.trouble, int):
            return web.json_response({"message": "no"}, status=self.trouble)
        return self._cut(request)

    def _cut(self, request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()


def pod(name: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "hub", "uid": name, "resourceVersion": "1"}
    return {"metadata": metadata, "status": {"phase": "Running"}}


@asynccontextmanager
async def kubernetes_api(*pods: str) -> AsyncIterator[KubernetesApi]:
    api = KubernetesApi(pods=list(pods))
    app = web.Application()
    app.router.add_get("/{path:.*}", api.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    api.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield api
    finally:
        api.set()
        await runner.cleanup()
