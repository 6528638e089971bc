"""KubeSpawner's reflectors of pods and events, which outlast an outage of the Kubernetes API.

KubeSpawner's own give up after 51 seconds without the API: the hub goes on and sees no pod any
more, until somebody restarts it. These ask until they are answered. Meanwhile the hub keeps what it
knew, so no running server is taken for stopped.
"""

import asyncio
import os
import signal
from typing import Any

import aiohttp
from kubernetes_asyncio.client.rest import ApiException
from kubespawner.reflector import ResourceReflector
from kubespawner.spawner import EventReflector, PodReflector
from traitlets import Int

AGAIN_AFTER = 2.0
"""Seconds between two questions while the API is away."""
ANSWER_WITHIN = 20
"""Seconds for an answer. KubeSpawner would wait a minute on a connection that an outage has cut
silently. More than the ten after which the API itself ends a watch."""
TOO_MANY_REQUESTS = 429


class LastingReflector(ResourceReflector):  # type: ignore[misc]
    """Asks again while the API is away. If its watch ends all the same, as when the API refuses
    what it allowed before, it ends the hub, and Kubernetes starts another."""

    again_after = AGAIN_AFTER
    request_timeout = Int(ANSWER_WITHIN, config=True, help="Seconds for an answer.")

    async def start(self) -> None:
        await super().start()
        self.watch_task.add_done_callback(self._ended)

    def _ended(self, watch: "asyncio.Task[None]") -> None:
        if self._stopping or watch.cancelled():
            return
        self.log.critical(
            "The watch of %s ended, and so does the hub", self.kind, exc_info=watch.exception()
        )
        os.kill(os.getpid(), signal.SIGTERM)

    async def _list_and_update(self, resource_version: str | None = None) -> str:
        """The version of what is now known. Raises what would be refused again."""
        while True:
            try:
                version: str = await super()._list_and_update(resource_version)
            except Exception as error:
                if not is_temporary(error):
                    raise
                self.log.warning("Kubernetes is away, %s are as they were: %r", self.kind, error)
                # The version may be gone by then; 0 is whatever there is.
                resource_version = "0"
                await asyncio.sleep(self.again_after)
            else:
                return version


def is_temporary(error: Exception) -> bool:
    """Whether the API is away, busy or starting. Not when it refuses, or its certificate is bad."""
    if isinstance(error, ApiException):
        return error.status >= 500 or error.status == TOO_MANY_REQUESTS
    if isinstance(error, aiohttp.ClientSSLError):
        return False
    # A TimeoutError is an OSError.
    return isinstance(error, aiohttp.ClientError | OSError)


class LastingPods(LastingReflector, PodReflector):  # type: ignore[misc]
    """Users' pods."""


class LastingEvents(LastingReflector, EventReflector):  # type: ignore[misc]
    """The events of users' pods."""


LASTING: dict[Any, type[LastingReflector]] = {
    PodReflector: LastingPods,
    EventReflector: LastingEvents,
}
"""By the class of KubeSpawner's that each stands for."""
