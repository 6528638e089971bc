"""A genuine cluster that says of every object whether it would take it, by server-side dry run.

Nothing is kept there but an empty namespace, for as long as the rehearsal lasts. Why the objects do
not simply run there: docs/decisions/0016-a-genuine-cluster-judges.md.
"""

import contextlib
import hashlib
import json
import subprocess
import time
import uuid
from pathlib import Path
from typing import Any

import httpx

from slipway.rehearse.cluster import Object, Refused
from slipway.rehearse.kinds import Kind
from slipway.rehearse.sandbox import REGION, Sandbox
from slipway.steps import StepError

ON_AWS = (".eks.amazonaws.com", ".eks.amazonaws.com.cn", ".api.aws")
NOBODYS_ACCOUNT = "000000000000"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
DRY = {"dryRun": "All", "fieldValidation": "Strict", "fieldManager": "slipway-rehearsal"}
SECONDS = 30
"""For the cluster to answer, and for the namespace to be gone."""


class GenuineCluster:
    """The cluster of a kubeconfig's current context, asked through `kubectl proxy` on a socket that
    only we can open. kubectl runs in the rehearsal's sandbox: it finds no credentials but those
    in the file.

    Raises StepError when there is no such cluster, or when it is on AWS.
    """

    def __init__(self, kubeconfig: Path, world: Sandbox) -> None:
        folder = world.folder / "genuine"
        folder.mkdir(mode=0o700)
        inside = world.environment(NOBODYS_ACCOUNT, REGION)
        self._variables = {k: v for k, v in inside.items() if k not in PROXIES}
        self._kubectl = str(world.commands / "kubectl")
        config = folder / "kubeconfig"
        config.touch(mode=0o600)
        config.write_text(json.dumps(self._checked(kubeconfig)))
        socket = folder / "proxy"
        self._process = subprocess.Popen(
            [
                self._kubectl,
                f"--kubeconfig={config}",
                "proxy",
                f"--unix-socket={socket}",
                "--append-server-path",
            ],
            env=self._variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._api = httpx.Client(
            transport=httpx.HTTPTransport(uds=str(socket)),
            base_url="http://localhost",
            timeout=SECONDS,
            trust_env=False,
        )
        self._judged: set[str] = set()
        self._unknown: set[str] = set()
        self._namespace = f"slipway-rehearsal-{uuid.uuid4().hex[:8]}"
        try:
            self._wait(socket)
            self.version: str = self._ask("GET", "/version").json()["gitVersion"]
            self._ask("POST", "/api/v1/namespaces", _namespace(self._namespace))
        except BaseException:
            self.stop()
            raise

    def judge(self, kind: Kind, item: Object) -> None:
        """Raises Refused with what the cluster says against it."""
        try:
            self._judge(kind, item)
        except StepError as error:
            raise Refused(503, "ServiceUnavailable", str(error)) from None

    def _judge(self, kind: Kind, item: Object) -> None:
        if kind.is_custom:
            self._unknown.add(kind.name)
            return
        known = hashlib.sha256(json.dumps(item, sort_keys=True).encode()).hexdigest()
        if known in self._judged:
            return
        answer = self._ask("POST", self._path(kind), self._elsewhere(kind, item), **DRY)
        if answer.status_code == httpx.codes.NOT_FOUND and self._lacks(kind):
            self._unknown.add(kind.name)
        elif answer.is_error:
            told = answer.json()
            raise Refused(answer.status_code, told.get("reason", ""), told.get("message", ""))
        else:
            self._judged.add(known)

    def verdict(self) -> str:
        """What it was asked and did not refuse."""
        if not self._judged:
            raise StepError("the genuine cluster was asked nothing")
        unknown = f"; not known there: {', '.join(sorted(self._unknown))}" if self._unknown else ""
        return f"{len(self._judged)} objects are fine for Kubernetes {self.version}{unknown}"

    def stop(self) -> None:
        """Take the namespace away, and wait until it is gone."""
        path = f"/api/v1/namespaces/{self._namespace}"
        with contextlib.suppress(httpx.HTTPError, StepError):
            self._ask("DELETE", path)
            end = time.monotonic() + SECONDS
            while self._ask("GET", path).is_success and time.monotonic() < end:
                time.sleep(0.2)
        self._api.close()
        self._process.terminate()
        self._process.communicate()

    def _checked(self, kubeconfig: Path) -> dict[str, Any]:
        """The current context alone, with everything that it refers to in it."""
        if not kubeconfig.is_file():
            raise StepError(f"{kubeconfig}: there is no such file: name a kubeconfig")
        asked = ("config", "view", "--minify", "--flatten", "--raw", "--output=json")
        done = subprocess.run(
            [self._kubectl, f"--kubeconfig={kubeconfig}", *asked],
            env=self._variables,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise StepError(f"{kubeconfig}: {done.stderr.strip()}")
        config: dict[str, Any] = json.loads(done.stdout)
        host = httpx.URL(config["clusters"][0]["cluster"]["server"]).host
        if host.endswith(ON_AWS):
            raise StepError(f"{kubeconfig}: {host} is on AWS, which a rehearsal never reaches")
        user = config["users"][0]["user"] if config.get("users") else {}
        if "exec" in user or "auth-provider" in user:
            raise StepError(
                f"{kubeconfig}: a program logs in for it, which would find no credentials here: "
                "name a kubeconfig with a certificate or a token"
            )
        return config

    def _wait(self, socket: Path) -> None:
        end = time.monotonic() + SECONDS
        while not socket.exists():
            if self._process.poll() is not None or time.monotonic() > end:
                assert self._process.stderr
                why = self._process.stderr.read() if self._process.poll() is not None else ""
                raise StepError(f"kubectl proxy does not start: {why.strip()}")
            time.sleep(0.05)

    def _ask(
        self, method: str, path: str, item: Object | None = None, **query: str
    ) -> httpx.Response:
        try:
            answer = self._api.request(method, path, json=item, params=query)
        except httpx.HTTPError as error:
            raise StepError(f"the genuine cluster does not answer: {error}") from error
        if answer.is_error and not query and method != "GET":
            raise StepError(f"the genuine cluster: {answer.text.strip()}")
        if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise StepError(f"the genuine cluster: {answer.text.strip()}")
        return answer

    def _path(self, kind: Kind) -> str:
        inside = f"/namespaces/{self._namespace}" if kind.namespaced else ""
        return f"{kind.folder}{inside}/{kind.plural}"

    def _elsewhere(self, kind: Kind, item: Object) -> Object:
        """In our namespace; what is of the whole cluster under a name that nobody has."""
        metadata = {**item["metadata"]}
        if kind.namespaced:
            metadata["namespace"] = self._namespace
        else:
            metadata["name"] = f"{self._namespace}-{metadata['name']}"
        return {**item, "metadata": metadata}

    def _lacks(self, kind: Kind) -> bool:
        return self._ask("GET", kind.folder).status_code == httpx.codes.NOT_FOUND


def _namespace(name: str) -> Object:
    labels = {"app.kubernetes.io/managed-by": "slipway-rehearsal"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
