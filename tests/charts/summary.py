"""Rendered objects in few words: what a reviewer of a change wants to see."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.charts.conftest import Object

Spec = Mapping[str, Any]


def summary(objects: list[Object]) -> str:
    """One block per object: kind and name, then what matters, indented."""
    return "\n".join(line for item in objects for line in _block(item)) + "\n"


def _block(item: Object) -> Iterator[str]:
    metadata = item["metadata"]
    yield f"{item['kind']} {metadata['name']}"
    describe = DESCRIBED.get(item["kind"], _flat)
    yield from (f"    {line}" for line in describe(item))


def _namespace(item: Object) -> Iterator[str]:
    yield f"pod security {item['metadata']['labels']['pod-security.kubernetes.io/enforce']}"


def _flat(item: Object) -> Iterator[str]:
    yield from _leaves(item.get("spec") or {k: v for k, v in item.items() if k not in ENVELOPE})


ENVELOPE = {"apiVersion", "kind", "metadata"}


def _leaves(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for inner in value:
            yield f"{path}: {_words(inner)}"
    else:
        yield f"{path}: {value}"


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_words(inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return " ".join(_words(inner) for inner in value)
    return str(value)


def _config_map(item: Object) -> Iterator[str]:
    """Not what is in a file: that has tests of its own."""
    for key, text in item["data"].items():
        yield f"file {key}" if text.startswith("{") else f"{key}: {text}"


def _service(item: Object) -> Iterator[str]:
    spec = item["spec"]
    ports = ", ".join(f"{p['name']} {p['port']} → {p['targetPort']}" for p in spec["ports"])
    yield f"{spec.get('type', 'ClusterIP')}: {ports}, to {_words(spec['selector'])}"
    yield from _notes(item)


def _ingress(item: Object) -> Iterator[str]:
    spec = item["spec"]
    hosts = " ".join(rule.get("host", "any host") for rule in spec["rules"])
    yield f"class {spec.get('ingressClassName')}, {hosts}"
    yield from _notes(item)


def _notes(item: Object) -> Iterator[str]:
    for key, value in (item["metadata"].get("annotations") or {}).items():
        yield f"{key}: {value}"


def _role(item: Object) -> Iterator[str]:
    for rule in item["rules"]:
        yield f"{' '.join(rule['resources'])}: {' '.join(rule['verbs'])}"


def _binding(item: Object) -> Iterator[str]:
    who = " ".join(subject["name"] for subject in item["subjects"])
    yield f"{item['roleRef']['kind']} {item['roleRef']['name']} for {who}"


def _policy(item: Object) -> Iterator[str]:
    spec = item["spec"]
    yield f"for {_labels(spec['podSelector'])}"
    for direction, side, key in (("in", "from", "ingress"), ("out", "to", "egress")):
        if not spec.get(key):
            yield f"{direction}: nothing"
        for rule in spec.get(key, ()):
            peers = "; ".join(_peer(peer) for peer in rule.get(side, ())) or "everywhere"
            yield f"{direction} {_ports(rule)} {side} {peers}"


def _ports(rule: Spec) -> str:
    ports = [f"{p['port']}/{p['protocol'].lower()}" for p in rule.get("ports", ())]
    return " ".join(ports) or "any port"


def _peer(peer: Spec) -> str:
    if "ipBlock" in peer:
        block = peer["ipBlock"]
        but = f" but {' '.join(block['except'])}" if block.get("except") else ""
        return f"{block['cidr']}{but}"
    if "namespaceSelector" in peer:
        return f"namespace {_labels(peer['namespaceSelector'])}"
    return _labels(peer["podSelector"])


def _labels(selector: Spec) -> str:
    return " ".join(selector.get("matchLabels", {}).values()) or "all"


def _workload(item: Object) -> Iterator[str]:
    spec = item["spec"]
    pod = spec["template"]["spec"]
    if "replicas" in spec:
        yield f"{spec['replicas']} × {spec['strategy']['type']}"
    yield ", ".join(
        f"{name} {pod[key]}"
        for key, name in (
            ("serviceAccountName", "account"),
            ("automountServiceAccountToken", "token"),
            ("priorityClassName", "priority"),
            ("terminationGracePeriodSeconds", "grace"),
        )
        if key in pod
    )
    for key in ("nodeSelector", "tolerations", "affinity"):
        if key in pod:
            yield from _leaves(pod[key], key)
    volumes = {volume["name"]: _source(volume) for volume in pod.get("volumes", ())}
    for kind, key in (("init", "initContainers"), ("container", "containers")):
        for container in pod.get(key, ()):
            yield from _container(kind, container, volumes)


def _container(kind: str, container: Spec, volumes: Mapping[str, str]) -> Iterator[str]:
    yield f"{kind} {container['name']}: {container['image']} ({container['imagePullPolicy']})"
    said = container.get("args") or container.get("command") or ()
    yield f"  runs {' '.join(said)}"
    for variable in container.get("env", ()):
        yield f"  {variable['name']}={variable['value']}"
    for what, amounts in container["resources"].items():
        yield f"  {what}: {_words(amounts)}"
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        if probe in container:
            yield f"  {probe}: {_words(container[probe])}"
    for mount in container.get("volumeMounts", ()):
        way = "reads" if mount.get("readOnly") else "writes"
        yield f"  {way} {mount['mountPath']}: {volumes[mount['name']]}"


def _source(volume: Spec) -> str:
    (kind,) = set(volume) - {"name"}
    return f"{kind} {_words(volume[kind])}"


DESCRIBED = {
    "Namespace": _namespace,
    "ConfigMap": _config_map,
    "Service": _service,
    "Ingress": _ingress,
    "Role": _role,
    "RoleBinding": _binding,
    "NetworkPolicy": _policy,
    "Deployment": _workload,
    "DaemonSet": _workload,
}
