"""An emulated cluster and the kinds of its objects: it stores them and reports that they run.

It runs nothing.
"""

import copy
import hashlib
import json
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import kubernetes_validate

Object = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    api: str
    """`v1` or `apps/v1`."""
    name: str
    namespaced: bool

    @property
    def group(self) -> str:
        return self.api.rpartition("/")[0]

    @property
    def version(self) -> str:
        return self.api.rpartition("/")[2]

    @property
    def folder(self) -> str:
        """Where its objects are: `/api/v1` or `/apis/apps/v1`."""
        return f"/apis/{self.api}" if self.group else f"/api/{self.api}"

    @property
    def plural(self) -> str:
        name = self.name.lower()
        if name.endswith("params"):
            return name
        if name.endswith("y"):
            return f"{name[:-1]}ies"
        return f"{name}es" if name.endswith("s") else f"{name}s"

    @property
    def is_custom(self) -> bool:
        """Whether the schema of Kubernetes itself lacks it."""
        return self.group in ("karpenter.sh", "eks.amazonaws.com")


NAMESPACED = {
    "v1": "ConfigMap LimitRange PersistentVolumeClaim Pod ResourceQuota Secret ServiceAccount "
    "Service",
    "apps/v1": "DaemonSet Deployment ReplicaSet StatefulSet",
    "batch/v1": "CronJob Job",
    "networking.k8s.io/v1": "Ingress NetworkPolicy",
    "policy/v1": "PodDisruptionBudget",
    "rbac.authorization.k8s.io/v1": "Role RoleBinding",
}
OF_CLUSTER = {
    "v1": "Namespace Node PersistentVolume",
    "networking.k8s.io/v1": "IngressClass",
    "rbac.authorization.k8s.io/v1": "ClusterRole ClusterRoleBinding",
    "scheduling.k8s.io/v1": "PriorityClass",
    "storage.k8s.io/v1": "StorageClass",
    "karpenter.sh/v1": "NodePool",
    "eks.amazonaws.com/v1": "IngressClassParams NodeClass",
}
KINDS = [
    Kind(api, name, namespaced)
    for kinds, namespaced in ((NAMESPACED, True), (OF_CLUSTER, False))
    for api, names in kinds.items()
    for name in names.split()
]
Judge = Callable[[Kind, Object], None]
"""Raises Refused."""
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
NAMESPACES = ("default", "kube-system", "amazon-cloudwatch")
"""Of every cluster; the last one is the monitoring add-on's."""
NAMESPACE, POD = Kind("v1", "Namespace", False), Kind("v1", "Pod", True)
REPLICA_SET = Kind("apps/v1", "ReplicaSet", True)


class Refused(Exception):  # noqa: N818 - an answer, not a fault
    """A refusal of the API server. `status` is an HTTP status."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason = status, reason

    def as_object(self) -> Object:
        return {
            "apiVersion": "v1",
            "kind": "Status",
            "status": "Failure",
            "code": self.status,
            "reason": self.reason,
            "message": str(self),
        }


def accept(kind: Kind, item: Object) -> None:
    """A judge that accepts every object."""


class Cluster:
    """Objects by kind, namespace and name.

    What is written is checked against Kubernetes' schema of `version`, and by `judge`. Deployments
    are reported as running, unless they are in `broken`.
    """

    def __init__(
        self,
        cluster_id: str,
        version: str,
        changed: Callable[[str, str, Object], None],
        judge: Judge,
    ) -> None:
        self.cluster_id, self._version, self._changed = cluster_id, version, changed
        self._judge: Judge = accept
        self._objects: dict[tuple[Kind, str, str], Object] = {}
        self._lock = threading.RLock()
        self.broken: set[str] = set()
        """Names of Deployments whose next revisions do not start."""
        self.refused: set[str] = set()
        """Kinds that an admission controller lets nobody write."""
        for name in NAMESPACES:
            item = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            self.put(NAMESPACE, "", item, must_be_new=True)
        self._judge = judge

    def start_server(self, namespace: str, user: str, labels: dict[str, str]) -> None:
        """As the hub would, for a user."""
        pod = self._keep(POD, namespace, f"jupyter-{user}", labels, {"containers": []})
        pod["status"]["phase"] = "Running"

    def get(self, kind: Kind, namespace: str, name: str) -> Object:
        with self._lock:
            item = self._objects.get((kind, namespace, name))
        if item is None:
            raise Refused(404, "NotFound", f'{kind.plural}.{kind.group} "{name}" not found')
        return item

    def objects(self) -> list[Object]:
        with self._lock:
            return list(self._objects.values())

    def matching(self, kind: Kind, namespace: str | None, labels: dict[str, str]) -> list[Object]:
        """None: of all namespaces."""
        with self._lock:
            return [
                item
                for (of, where, _), item in self._objects.items()
                if of == kind
                and namespace in (None, where)
                and labels.items() <= item["metadata"].get("labels", {}).items()
            ]

    def put(
        self, kind: Kind, namespace: str, item: Object, *, must_be_new: bool, keep: bool = True
    ) -> Object:
        """Write an object, or say what would be written when it is not to `keep`."""
        name = item["metadata"]["name"]
        with self._lock:
            before = self._objects.get((kind, namespace, name))
            if before and must_be_new:
                raise Refused(409, "AlreadyExists", f'{kind.plural} "{name}" already exists')
            if namespace and (NAMESPACE, "", namespace) not in self._objects:
                raise Refused(404, "NotFound", f'namespaces "{namespace}" not found')
            self._check(kind, item)
            stored = _with_server_fields(item, namespace, before)
            if keep:
                stored.update(self._status(kind, stored))
                self._objects[kind, namespace, name] = stored
        if keep:
            self._changed(self.cluster_id, "written", stored)
        return stored

    def delete(self, kind: Kind, namespace: str, name: str) -> Object:
        found = self.get(kind, namespace, name)
        with self._lock:
            gone = [(kind, namespace, name)]
            if kind.name == "Namespace":
                gone += [key for key in self._objects if key[1] == name]
            if kind.name == "Deployment":
                gone += self._of_deployment(found)
            items = [self._objects.pop(key) for key in gone if key in self._objects]
        for item in items:
            self._changed(self.cluster_id, "deleted", item)
        return found

    def _check(self, kind: Kind, item: Object) -> None:
        if kind.name in self.refused:
            raise Refused(403, "Forbidden", f"admission webhook denied the request: {kind.name}")
        self._judge(kind, item)
        if kind.is_custom:
            return
        try:
            kubernetes_validate.validate(item, self._version, strict=True)
        except kubernetes_validate.ValidationError as error:
            where = ".".join(str(part) for part in error.path)
            name = item["metadata"]["name"]
            message = f'{kind.name} "{name}" is invalid: {where}: {error.message}'
            raise Refused(422, "Invalid", message) from None

    def _status(self, kind: Kind, item: Object) -> Object:
        """What controllers would report, once they are done."""
        if kind.name == "Deployment":
            return {"status": self._rolled_out(item)}
        if kind.name == "Ingress":
            digest = hashlib.sha256(self.cluster_id.encode()).hexdigest()
            host = f"k8s-{digest[:10]}.elb.amazonaws.com"
            return {"status": {"loadBalancer": {"ingress": [{"hostname": host}]}}}
        if kind.name == "PersistentVolumeClaim":
            return {"status": {"phase": "Bound"}}
        if kind.name == "Job":
            return {"status": {"succeeded": 1}}
        return {"status": {"phase": "Active"}} if kind.name == "Namespace" else {}

    def _rolled_out(self, deployment: Object) -> Object:
        """A ReplicaSet for its pods' template, ready unless it is a new one of a broken one."""
        metadata, spec = deployment["metadata"], deployment["spec"]
        template = spec["template"]
        revision = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:10]
        name = f"{metadata['name']}-{revision}"
        known = (REPLICA_SET, metadata["namespace"], name) in self._objects
        ready = known or metadata["name"] not in self.broken
        for key in self._of_deployment(deployment):
            if key[0] == POD:
                del self._objects[key]
            else:
                self._objects[key]["status"] = {}
        labels = template["metadata"]["labels"]
        self._keep(REPLICA_SET, metadata["namespace"], name, labels, {})
        if ready:
            self._objects[REPLICA_SET, metadata["namespace"], name]["status"]["readyReplicas"] = 1
            pod = self._keep(POD, metadata["namespace"], f"{name}-0", labels, template["spec"])
            pod["status"]["phase"] = "Running"
        return {"observedGeneration": metadata["generation"], "availableReplicas": int(ready)}

    def _keep(
        self, kind: Kind, namespace: str, name: str, labels: dict[str, str], spec: Object
    ) -> Object:
        item: Object = {
            "apiVersion": kind.api,
            "kind": kind.name,
            "metadata": {"name": name, "namespace": namespace, "labels": labels},
            "spec": spec,
            "status": {},
        }
        self._objects[kind, namespace, name] = item
        return item

    def _of_deployment(self, deployment: Object) -> list[tuple[Kind, str, str]]:
        wanted = deployment["spec"]["selector"]["matchLabels"].items()
        return [
            key
            for key, item in self._objects.items()
            if key[0] in (POD, REPLICA_SET)
            and key[1] == deployment["metadata"]["namespace"]
            and wanted <= item["metadata"]["labels"].items()
        ]


def applied(patch: Object) -> Object:
    """What `kubectl apply` was given: its patch has it in an annotation."""
    text = patch.get("metadata", {}).get("annotations", {}).get(LAST_APPLIED)
    if text is None:
        raise Refused(415, "UnsupportedMediaType", "only patches of kubectl apply are emulated")
    item: Object = json.loads(text)
    item["metadata"].setdefault("annotations", {})[LAST_APPLIED] = text
    return item


def _with_server_fields(item: Object, namespace: str, before: Object | None) -> Object:
    stored = copy.deepcopy(item)
    known = before["metadata"] if before else {}
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    stored["metadata"] |= {
        "uid": known.get("uid", str(uuid.uuid4())),
        "resourceVersion": str(int(known.get("resourceVersion", "0")) + 1),
        "generation": known.get("generation", 0) + 1,
        "creationTimestamp": known.get("creationTimestamp", now),
    }
    if namespace:
        stored["metadata"]["namespace"] = namespace
    return stored
