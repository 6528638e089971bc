"""KubeSpawner that watches the pod it starts.

Users reach their server as soon as it listens, and one that cannot start says why as soon as that
is certain, not when its time is up.
"""

import asyncio
import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from jupyterhub.spawner import SpawnException
from kubernetes_asyncio.client.rest import ApiException
from kubespawner import KubeSpawner
from traitlets import Bool, Unicode

from slipway_hub.failures import Failure, failures
from slipway_hub.homes import make_home
from slipway_hub.kubernetes_names import USERNAME, object_name
from slipway_hub.log import plain
from slipway_hub.reflectors import LASTING

CHECK_EVERY = 0.1
"""Seconds. A check reads what the reflector has, and does not ask the API."""
CONNECT_WITHIN = 1.0
LAST_LINES = 20


class PodSpawner(KubeSpawner):  # type: ignore[misc]
    """A user's server as a pod."""

    homes_folder = Unicode("", config=True, help="Where the hub makes homes; empty: it does not.")
    autoscaled = Bool(False, config=True, help="Whether nodes are made when pods wait for one.")
    pvc_name: str
    _earlier: str | None = None
    """The uid of the pod of the start before this one."""

    def _expand_user_properties(self, template: str, slug_scheme: str | None = None) -> str:
        if template in (self.pod_name_template, self.pvc_name_template):
            user, server = self.user.name, self.name or ""
            template = template.replace("{user_server}", object_name(user, server))
            template = template.replace("{username}", object_name(user))
        name: str = super()._expand_user_properties(template, slug_scheme)
        return name

    async def load_user_options(self) -> None:
        """Skip KubeSpawner's own, which reads its `profile_list`: `Profiles.apply` has set what the
        options mean."""

    async def _start_reflector(
        self, kind: str, reflector_class: Any, replace: bool = False, **given: Any
    ) -> Any:
        try:
            return await super()._start_reflector(kind, LASTING[reflector_class], replace, **given)
        except Exception:
            # KubeSpawner would next take what was never listed for a cluster without pods.
            key = self._get_reflector_key(kind)
            kept = self.reflectors.get(key)
            if kept and kept.first_load_future.done() and kept.first_load_future.exception():
                del self.reflectors[key]
            raise

    async def poll(self) -> int | None:
        """As KubeSpawner's, but None (it runs) while the API does not answer: JupyterHub would take
        an error for the server's end, and stop it."""
        try:
            ended: int | None = await super().poll()
        except (ApiException, aiohttp.ClientError, OSError) as error:
            self.log.error("Not known whether %s runs: %r", self.pod_name, error)
            return None
        return ended

    async def _start(self) -> str:
        if self.homes_folder:
            await make_home(Path(self.homes_folder), self.user.name)
        if self.storage_pvc_ensure:
            await self._find_claim()
        await self._start_watching_pods()
        self._earlier = self._uid()
        starting = asyncio.ensure_future(super()._start())
        watching = asyncio.ensure_future(self._answering())
        try:
            await asyncio.wait({starting, watching}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                # It has seen the pod run (we still wait until it answers), or it raises.
                starting.result()
            return await watching
        except ApiException as error:
            raise self._refused(error) from error
        finally:
            for task in (starting, watching):
                task.cancel()
            await asyncio.gather(starting, watching, return_exceptions=True)

    async def _find_claim(self) -> None:
        """Take the claim that KubeSpawner named, if that is the user's. Raises SpawnException if
        the one of our name is somebody else's."""
        older = super()._expand_user_properties(self.pvc_name_template)
        for name in dict.fromkeys((self.pvc_name, older)):
            owner = await self._owner_of(name)
            if owner == self.user.name:
                self.pvc_name = name
                return
            if owner and name == self.pvc_name:
                raise self._exception(f"The volume claim {name} is another user's.")

    async def _owner_of(self, claim: str) -> str | None:
        """The user whom KubeSpawner has made a claim for. Raises SpawnException."""
        try:
            found = await self.api.read_namespaced_persistent_volume_claim(claim, self.namespace)
        except ApiException as error:
            if error.status == 404:
                return None
            raise self._refused(error) from error
        owner: str | None = (found.metadata.annotations or {}).get(USERNAME)
        return owner

    def _pod(self) -> Any:
        """What the API said last of our pod; None for one of an earlier start."""
        pod = self.pod_reflector.pods.get(f"{self.namespace}/{self.pod_name}")
        if pod and "deletionTimestamp" not in pod["metadata"] and self._uid(pod) != self._earlier:
            return pod
        return None

    def _uid(self, pod: Any = None) -> str | None:
        pod = pod or self.pod_reflector.pods.get(f"{self.namespace}/{self.pod_name}")
        return pod["metadata"]["uid"] if pod else None

    async def _answering(self) -> str:
        """The server's address, as soon as it can be connected to. Raises SpawnException."""
        since: dict[str, float] = {}
        seen, running_since = False, None
        while True:
            if pod := self._pod():
                seen = True
                await self._raise_what_lasts(pod, since)
                if self.is_pod_running(pod):
                    self.pod_id = pod["metadata"]["uid"]
                    url: str = self._get_pod_url(pod)
                    if await _listens(url):
                        return url
                    running_since = running_since or time.monotonic()
                    if time.monotonic() - running_since > self.http_timeout:
                        silent = f"The server runs, and has not answered for {self.http_timeout} s."
                        raise await self._cannot_start(Failure(silent, container="notebook"))
            elif seen:
                raise await self._cannot_start(Failure("Somebody took the server away."))
            await asyncio.sleep(CHECK_EVERY)

    async def _make_create_pod_request(self, pod: Any, request_timeout: float) -> bool:
        # What KubeSpawner writes to its log of a pod that is refused, which has the user's token.
        pod.to_str = lambda: f"pod {pod.metadata.name}"
        created: bool = await super()._make_create_pod_request(pod, request_timeout)
        return created

    async def _raise_what_lasts(self, pod: Any, since: dict[str, float]) -> None:
        problems = list(failures(pod, self.events, autoscaled=self.autoscaled))
        now = time.monotonic()
        for gone in since.keys() - {failure.summary for failure in problems}:
            del since[gone]
        for failure in problems:
            if now - since.setdefault(failure.summary, now) >= failure.grace:
                raise await self._cannot_start(failure)

    async def _cannot_start(self, failure: Failure) -> SpawnException:
        parts = [failure.summary]
        if failure.detail:
            parts.append(f"Kubernetes says: {failure.detail}")
        if failure.container and (lines := await self._last_lines(failure.container)):
            parts.append(f"Its last lines:\n{lines}")
        return self._exception("\n".join(parts))

    def _exception(self, message: str) -> SpawnException:
        # Some of it is what a container has printed, and goes to logs and terminals.
        message = plain(message)
        where = f"kubectl -n {self.namespace} describe pod {self.pod_name}"
        events = f"kubectl -n {self.namespace} get events --field-selector"
        return SpawnException(
            message,
            reason="pod",
            status_code=500,
            log_message=f"{message}\nwhile it lasts: {where}\n"
            f"afterwards: {events} involvedObject.name={self.pod_name}",
        )

    async def _last_lines(self, container: str) -> str:
        """Of the run that failed: KubeSpawner deletes the pod and its log next."""
        for previous in (False, True):
            try:
                lines: str = await self.api.read_namespaced_pod_log(
                    self.pod_name,
                    self.namespace,
                    container=container,
                    previous=previous,
                    tail_lines=LAST_LINES,
                    limit_bytes=8192,
                )
            except ApiException as error:
                self.log.info("no log of %s in %s: %s", container, self.pod_name, error.reason)
                continue
            if lines.strip():
                return lines.strip()
        return ""

    def _refused(self, error: ApiException) -> SpawnException:
        """What the API answered to the pod itself: a quota, Pod Security, a mistake of ours."""
        try:
            message = json.loads(error.body or "")["message"]
        except (TypeError, ValueError, KeyError):
            message = error.reason or f"HTTP {error.status}"
        quota = "exceeded quota" in message
        summary = "The cluster's quota is used up." if quota else "The cluster refuses this server."
        return self._exception(f"{summary}\n{message}")


async def _listens(url: str) -> bool:
    parts = urlsplit(url)
    try:
        _, writer = await asyncio.wait_for(
            asyncio.open_connection(parts.hostname, parts.port), CONNECT_WITHIN
        )
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
