"""Why a user's pod does not start, read from what Kubernetes says of it.

Pure functions of the pod and its events as the API gives them, so that each kind of failure can be
tested without a cluster. https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

Pod = Mapping[str, Any]
Event = Mapping[str, Any]


class Failure(NamedTuple):
    summary: str
    """What is wrong, in a user's words."""
    detail: str = ""
    """What Kubernetes says."""
    grace: float = 0
    """Seconds it must have lasted: some of these pass by themselves."""
    container: str | None = None
    """Whose last lines tell more."""


_IMAGE = "The image {image} cannot be pulled."
_WAITING = {
    # reason: summary, grace in seconds
    "InvalidImageName": ("The image {image} is not a valid name.", 0),
    "ErrImageNeverPull": ("The image {image} is not on the node.", 0),
    # A registry may stumble; the kubelet tries again after 10 s and after 20 s.
    "ErrImagePull": (_IMAGE, 25),
    "ImagePullBackOff": (_IMAGE, 25),
    "RegistryUnavailable": (_IMAGE, 25),
    "CreateContainerConfigError": ("Something that the server needs does not exist.", 15),
    "CreateContainerError": ("The server's container cannot be made.", 15),
    "RunContainerError": ("The server's container cannot be run.", 15),
    "CrashLoopBackOff": ("{container} ends as soon as it has started.", 0),
}
_EVENTS = {
    "FailedMount": ("A volume of the server cannot be mounted.", 60),
    "FailedAttachVolume": ("A volume of the server cannot be attached to its node.", 120),
    "FailedCreatePodSandBox": ("The node cannot prepare the server's network.", 60),
}
_NO_NODE = "No node has room for this server."
NO_NODE_GRACE = 45
"""Seconds. Placeholders give way and stopped servers leave within this time."""
NO_AUTOSCALED_NODE_GRACE = 90
"""Seconds that an autoscaler has to say that it cannot help either."""


def failures(pod: Pod, events: Iterable[Event], *, autoscaled: bool) -> Iterator[Failure]:
    """Everything that keeps the pod from running, worst first. Nothing if it is on its way."""
    status = pod.get("status") or {}
    if status.get("phase") == "Failed":
        reason, message = status.get("reason") or "Failed", status.get("message") or ""
        if not status.get("containerStatuses"):
            yield Failure(f"The node refused or evicted the server ({reason}).", message)
    if status.get("phase") == "Succeeded":
        yield Failure("The server ended as soon as it had started.", container="notebook")
    for container in _containers(status):
        yield from _container(container)
    own = [event for event in events if _is_of(event, pod)]
    yield from _scheduling(status, own, autoscaled)
    if status.get("phase") == "Pending" and own and not _is_past_its_volumes(status):
        # The latest event alone: what has healed is followed by another.
        last = own[-1]
        if found := _EVENTS.get(str(last.get("reason"))):
            summary, grace = found
            yield Failure(summary, last.get("message") or "", grace)


def _is_of(event: Event, pod: Pod) -> bool:
    """KubeSpawner gives events by name, and the pod before this one had the same."""
    event_uid, pod_uid = (event.get("involvedObject") or {}).get("uid"), pod["metadata"].get("uid")
    return event_uid is None or pod_uid is None or event_uid == pod_uid


def _is_past_its_volumes(status: Mapping[str, Any]) -> bool:
    return any(
        condition["type"] == "PodReadyToStartContainers" and condition["status"] == "True"
        for condition in status.get("conditions") or ()
    )


def _containers(status: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for which in ("initContainerStatuses", "containerStatuses"):
        yield from status.get(which) or ()


def _container(status: Mapping[str, Any]) -> Iterator[Failure]:
    name, image = status["name"], status.get("image") or ""
    state = status.get("state") or {}
    waiting = state.get("waiting") or {}
    # A container that was started again stands in lastState with what ended it.
    ended = state.get("terminated") or (status.get("lastState") or {}).get("terminated") or {}
    code = ended.get("exitCode")
    if ended.get("reason") == "OOMKilled":
        yield Failure(
            "The server needed more memory than its profile has.",
            f"{name} was ended for it",
            container=name,
        )
    elif ended.get("reason") in ("StartError", "ContainerCannotRun"):
        yield Failure(f"{_who(name)} cannot be run in {image}.", ended.get("message") or "")
    elif code:
        yield Failure(f"{_who(name)} ended with exit code {code}.", container=name)
    elif waiting.get("reason") in _WAITING:
        summary, grace = _WAITING[waiting["reason"]]
        yield Failure(
            summary.format(image=image, container=_who(name)),
            waiting.get("message") or "",
            grace,
            name if waiting["reason"] == "CrashLoopBackOff" else None,
        )


def _who(container: str) -> str:
    return "The server" if container == "notebook" else f"The preparation step {container!r}"


def _scheduling(
    status: Mapping[str, Any], events: list[Event], autoscaled: bool
) -> Iterator[Failure]:
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            if not autoscaled:
                yield Failure(_NO_NODE, condition.get("message") or "", NO_NODE_GRACE)
                continue
            of_autoscaler = [event for event in events if _source(event) in AUTOSCALERS]
            # Nominated: a node is on its way, whatever an event said before.
            if of_autoscaler and of_autoscaler[-1].get("reason") == "FailedScheduling":
                message = of_autoscaler[-1].get("message") or ""
                yield Failure(_NO_NODE, message, NO_AUTOSCALED_NODE_GRACE)


AUTOSCALERS = {"karpenter", "eks-auto-mode/compute"}
"""Whose events say that no node which may be made would do. The second is Auto Mode."""


def _source(event: Event) -> str | None:
    found: str | None = (event.get("source") or {}).get("component")
    return found or event.get("reportingComponent")
