"""An emulated Kubernetes API: enough of one for the genuine kubectl.

It has discovery, storage, server-side dry run and `exec`, checks objects against the pinned schema
and reports roll-outs as done. It runs no pods.
"""

import base64
import json
import re
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import trustme
from websockets.datastructures import Headers
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from slipway.rehearse.cluster import KINDS, Cluster, Judge, Kind, Object, Refused, accept, applied

PATH = re.compile(
    r"(?P<folder>/api/v1|/apis/[^/]+/v1)(/namespaces/(?P<namespace>[^/]+))?"
    r"/(?P<plural>[a-z]+)(/(?P<name>[^/]+))?(/(?P<sub>[a-z]+))?"
)
EXEC = Subprotocol("v5.channel.k8s.io")
"""https://kubernetes.io/blog/2024/08/20/websockets-transition/"""
SUCCESS = b'\x03{"metadata":{},"status":"Success"}'
"""On that protocol's channel for errors."""
Changed = Callable[[str, str, Object], None]
"""A cluster's id (`account/region/name`), `written` or `deleted`, and the object."""
Executed = Callable[[str, list[str]], None]
"""A cluster's id, and the command."""


class KubernetesApi:
    """Listens on a free loopback port. Each cluster is a folder: `/account/region/name`."""

    def __init__(self, version: str, changed: Changed, executed: Executed) -> None:
        self.clusters: dict[str, Cluster] = {}
        self._version, self._changed, self.executed = version, changed, executed
        self.judge: Judge = accept
        """Called with every object that is written to clusters that begin from now on."""
        authority = trustme.CA()
        self.ca = base64.b64encode(authority.cert_pem.bytes()).decode()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        self._server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"kubernetes": self}))
        self._server.socket = context.wrap_socket(
            self._server.socket,
            server_side=True,
            do_handshake_on_connect=False,  # in each connection's thread: none holds up the others
        )
        self.url = f"https://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def cluster(self, cluster_id: str) -> Cluster:
        if cluster_id not in self.clusters:
            new = Cluster(cluster_id, self._version, self._changed, self.judge)
            self.clusters[cluster_id] = new
        return self.clusters[cluster_id]

    def forget(self, cluster_id: str) -> None:
        """Its control plane was deleted."""
        self.clusters.pop(cluster_id, None)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # some thirty clients may come at the same time
    daemon_threads = True


class _Handler(BaseHTTPRequestHandler):
    kubernetes: KubernetesApi
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(self._read)

    def do_POST(self) -> None:
        self._answer(self._write)

    do_PATCH = do_POST  # noqa: N815

    def do_DELETE(self) -> None:
        self._answer(self._delete)

    def log_message(self, format: str, *arguments: Any) -> None:
        pass

    def _answer(self, action: Callable[[Cluster, str, dict[str, str]], Object | None]) -> None:
        parts = urlsplit(self.path)
        _, account, region, name, *rest = parts.path.split("/")
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        try:
            cluster = self.kubernetes.cluster(f"{account}/{region}/{name}")
            answer = action(cluster, "/" + "/".join(rest), query)
            status = 200
        except Refused as refused:
            status, answer = refused.status, refused.as_object()
        if answer is not None:
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def _read(self, cluster: Cluster, path: str, query: dict[str, str]) -> Object | None:
        if (found := _discovery(path)) is not None:
            return found
        kind, namespace, name, sub = _target(path)
        if sub == "exec":
            self._execute(cluster)
            return None
        if name:
            return cluster.get(kind, namespace or "", name)
        labels = dict(part.split("=") for part in query.get("labelSelector", "").split(",") if part)
        items = cluster.matching(kind, namespace, labels)
        if field := query.get("fieldSelector"):
            wanted = field.partition("metadata.name=")[2]
            items = [item for item in items if item["metadata"]["name"] == wanted]
        return {
            "apiVersion": kind.api,
            "kind": f"{kind.name}List",
            "metadata": {"resourceVersion": "1"},
            "items": items,
        }

    def _execute(self, cluster: Cluster) -> None:
        """`kubectl exec`: the command is done elsewhere, and its success reported."""
        websocket = ServerProtocol(subprotocols=[EXEC])
        headers = Headers(self.headers.items())
        websocket.send_response(websocket.accept(Request(self.path, headers)))
        self.wfile.write(b"".join(websocket.data_to_send()))
        command = parse_qs(urlsplit(self.path).query)["command"]
        self.kubernetes.executed(cluster.cluster_id, command)
        websocket.send_binary(SUCCESS)
        websocket.send_close(1000)
        self.wfile.write(b"".join(websocket.data_to_send()))
        self.close_connection = True

    def _write(self, cluster: Cluster, path: str, query: dict[str, str]) -> Object:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        kind, namespace, name, _ = _target(path)
        if self.command == "PATCH":
            cluster.get(kind, namespace or "", name)
            body = applied(body)
        keep = "dryRun" not in query
        new = self.command == "POST"
        return cluster.put(kind, namespace or "", body, must_be_new=new, keep=keep)

    def _delete(self, cluster: Cluster, path: str, query: dict[str, str]) -> Object:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kind, namespace, name, _ = _target(path)
        return cluster.delete(kind, namespace or "", name)


def _target(path: str) -> tuple[Kind, str | None, str, str | None]:
    """Kind, namespace, name and sub-resource of a path."""
    if match := PATH.fullmatch(path):
        for kind in KINDS:
            if (kind.folder, kind.plural) == (match["folder"], match["plural"]):
                return kind, match["namespace"], match["name"] or "", match["sub"]
    raise Refused(404, "NotFound", f"the server could not find the requested resource {path}")


def _discovery(path: str) -> Object | None:
    """https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api"""
    if path == "/version":
        return {"major": "1", "minor": "36", "gitVersion": "v1.36.0-emulated"}
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        groups = [_group(api) for api in sorted({kind.api for kind in KINDS if kind.group})]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
    if path == "/openapi/v3":
        folders = {kind.folder for kind in KINDS}
        return {"paths": {f[1:]: {"serverRelativeURL": f"/openapi/v3{f}"} for f in folders}}
    if path.startswith("/openapi/v3/"):
        return _openapi(path.removeprefix("/openapi/v3"))
    kinds = [kind for kind in KINDS if kind.folder == path]
    if not kinds:
        return None
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": kinds[0].api,
        "resources": [
            {
                "name": kind.plural,
                "singularName": kind.name.lower(),
                "kind": kind.name,
                "namespaced": kind.namespaced,
                "verbs": ["create", "delete", "get", "list", "patch", "update", "watch"],
            }
            for kind in kinds
        ],
    }


def _group(api: str) -> Object:
    group, version = api.split("/")
    served = {"groupVersion": api, "version": version}
    return {"name": group, "versions": [served], "preferredVersion": served}


def _openapi(folder: str) -> Object:
    """Says of each kind that the server validates its fields, so that kubectl does not."""
    return {
        "openapi": "3.0.0",
        "info": {"title": "emulated", "version": "1"},
        "paths": {
            f"{folder}/{kind.plural}/{{name}}": {
                "patch": {
                    "parameters": [{"name": "fieldValidation", "in": "query"}],
                    "x-kubernetes-group-version-kind": {
                        "group": kind.group,
                        "version": kind.version,
                        "kind": kind.name,
                    },
                }
            }
            for kind in KINDS
            if kind.folder == folder
        },
    }
