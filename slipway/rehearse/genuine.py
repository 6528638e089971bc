"""A genuine cluster that judges every object of a rehearsal, by server-side dry run.

Nothing is kept there but an empty namespace, for as long as the rehearsal lasts. Why the objects do
not simply run there: docs/decisions/0016-a-genuine-cluster-judges.md.
"""

import contextlib
import hashlib
import json
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from slipway import facts, files
from slipway.rehearse.cluster import Kind, Object, Refused
from slipway.rehearse.sandbox import Sandbox
from slipway.steps import StepError
from slipway.toolchain import kubectl
from slipway.toolchain.kubectl import KubectlError

ON_AWS = (".eks.amazonaws.com", ".eks.amazonaws.com.cn", ".api.aws")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
UNKNOWN_KIND = "no matches for kind"
TIMEOUT = 60
"""Seconds for one answer, and for the namespace to be gone."""


class GenuineCluster:
    """The cluster of a kubeconfig's current context.

    kubectl runs in the rehearsal's sandbox: it finds no credentials but those in the file. Raises
    StepError when there is no such cluster, or when it is on AWS.
    """

    def __init__(self, kubeconfig: Path, sandbox: Sandbox) -> None:
        variables = sandbox.environment().items()
        self._variables = {name: value for name, value in variables if name not in PROXIES}
        self._config = sandbox.folder / "genuine-kubeconfig"
        files.write(self._config, json.dumps(self._checked(kubeconfig)), mode=0o600)
        self._judged: set[str] = set()
        self._unknown: set[str] = set()
        self._namespace = f"slipway-rehearsal-{uuid.uuid4().hex[:8]}"
        version = json.loads(self._kubectl("version", "--output=json"))
        self.version: str = version["serverVersion"]["gitVersion"]
        labels = dict.fromkeys(facts.MANAGED_BY, "slipway-rehearsal")
        metadata = {"name": self._namespace, "labels": labels}
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
        self._kubectl("create", "--filename=-", stdin=json.dumps(namespace))

    def judge(self, kind: Kind, item: Object) -> None:
        """Raises Refused with what the cluster says against the object."""
        if kind.is_custom:
            self._unknown.add(kind.name)
            return
        digest = hashlib.sha256(json.dumps(item, sort_keys=True).encode()).hexdigest()
        if digest in self._judged:
            return
        try:
            self._kubectl(
                *("create", "--dry-run=server", "--validate=strict", "--filename=-"),
                stdin=json.dumps(self._renamed(kind, item)),
            )
        except StepError as error:
            if UNKNOWN_KIND not in str(error):
                raise Refused(422, "Invalid", str(error)) from None
            self._unknown.add(kind.name)
            return
        self._judged.add(digest)

    def verdict(self) -> str:
        """How many objects it accepted. Raises StepError when it was given none."""
        if not self._judged:
            raise StepError("the genuine cluster was given no object")
        unknown = f"; not known there: {', '.join(sorted(self._unknown))}" if self._unknown else ""
        return f"{len(self._judged)} objects are fine for Kubernetes {self.version}{unknown}"

    def stop(self) -> None:
        """Delete the namespace, and wait until it is gone."""
        with contextlib.suppress(StepError):
            self._kubectl("delete", "namespace", self._namespace, "--wait", "--ignore-not-found")

    def _kubectl(self, *arguments: str, stdin: str = "", config: Path | None = None) -> str:
        try:
            return kubectl.run(
                *arguments,
                kubeconfig=config or self._config,
                stdin=stdin,
                timeout=TIMEOUT,
                environment=self._variables,
            ).stdout
        except KubectlError as error:
            raise StepError(f"the genuine cluster: {error}") from None

    def _checked(self, kubeconfig: Path) -> dict[str, Any]:
        """The current context alone, with everything that it refers to in it."""
        if not kubeconfig.is_file():
            raise StepError(f"{kubeconfig}: there is no such file: name a kubeconfig")
        view = ("config", "view", "--minify", "--flatten", "--raw", "--output=json")
        config: dict[str, Any] = json.loads(self._kubectl(*view, config=kubeconfig))
        host = urlsplit(config["clusters"][0]["cluster"]["server"]).hostname or ""
        if host.endswith(ON_AWS):
            raise StepError(f"{kubeconfig}: {host} is on AWS, which a rehearsal never reaches")
        user = config["users"][0]["user"] if config.get("users") else {}
        if "exec" in user or "auth-provider" in user:
            raise StepError(
                f"{kubeconfig}: a program logs in for it, which would find no credentials here: "
                "name a kubeconfig with a certificate or a token"
            )
        return config

    def _renamed(self, kind: Kind, item: Object) -> Object:
        """In our namespace, or under a name of the whole cluster that nobody has."""
        metadata = {**item["metadata"]}
        if kind.namespaced:
            metadata["namespace"] = self._namespace
        else:
            metadata["name"] = f"{self._namespace}-{metadata['name']}"
        return {**item, "metadata": metadata}
