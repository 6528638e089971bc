"""What a user is told of a pod that does not start: each kind of failure, as the API shows it."""

from typing import Any

import pytest
from slipway_hub.failures import NO_NODE_GRACE, Failure, failures

IMAGE = "registry.example.org/team/lab:1"


def pod(phase: str = "Pending", **status: Any) -> dict[str, Any]:
    return {"metadata": {"uid": "1"}, "status": {"phase": phase, **status}}


def container(name: str = "notebook", **status: Any) -> dict[str, Any]:
    return {"name": name, "image": IMAGE, "ready": False, **status}


def waiting(reason: str, message: str = "why", name: str = "notebook") -> dict[str, Any]:
    return container(name, state={"waiting": {"reason": reason, "message": message}})


def found(pod: dict[str, Any], *events: dict[str, Any], autoscaled: bool = False) -> list[Failure]:
    return list(failures(pod, events, autoscaled=autoscaled))


@pytest.mark.parametrize(
    "healthy",
    [
        pod(),
        {"metadata": {}, "status": {"phase": "Pending"}},
        pod(containerStatuses=[waiting("ContainerCreating"), waiting("PodInitializing")]),
        pod("Running", containerStatuses=[container(state={"running": {}}, lastState={})]),
        pod(
            initContainerStatuses=[container("step", state={"terminated": {"exitCode": 0}})],
            containerStatuses=[waiting("PodInitializing")],
        ),
        pod(conditions=[{"type": "PodScheduled", "status": "True"}]),
    ],
)
def test_a_pod_on_its_way_has_no_failure(healthy: dict[str, Any]):
    assert found(healthy) == []


@pytest.mark.parametrize("reason", ["ErrImagePull", "ImagePullBackOff"])
def test_an_image_that_cannot_be_pulled_is_named_and_gets_time_for_a_second_try(reason: str):
    (failure,) = found(pod(containerStatuses=[waiting(reason, "not found")]))
    assert failure.summary == f"The image {IMAGE} cannot be pulled."
    assert failure.detail == "not found"
    assert 10 < failure.grace < 60


def test_the_two_words_for_a_failed_pull_count_as_one_failure():
    # The kubelet alternates between them: time must not start anew with each.
    first, second = (
        found(pod(containerStatuses=[waiting(reason)]))[0].summary
        for reason in ("ErrImagePull", "ImagePullBackOff")
    )
    assert first == second


def test_an_image_name_that_cannot_be_is_told_at_once():
    (failure,) = found(pod(containerStatuses=[waiting("InvalidImageName")]))
    assert failure.grace == 0


@pytest.mark.parametrize(
    "status",
    [
        container(state={"terminated": {"exitCode": 3}}),
        container(
            state={"waiting": {"reason": "CrashLoopBackOff"}},
            lastState={"terminated": {"exitCode": 3}},
        ),
        container(state={"running": {}}, lastState={"terminated": {"exitCode": 3}}),
    ],
)
def test_a_server_that_ends_is_told_with_its_code_and_last_lines(status: dict[str, Any]):
    (failure,) = found(pod("Running", containerStatuses=[status]))
    assert failure == Failure("The server ended with exit code 3.", container="notebook")


def test_a_server_that_ends_well_before_it_answers_has_failed_too():
    ended = container(state={"terminated": {"exitCode": 0, "reason": "Completed"}})
    (failure,) = found(pod("Succeeded", containerStatuses=[ended]))
    assert "ended as soon as it had started" in failure.summary


def test_a_failed_preparation_step_is_told_by_its_name():
    step = container("fetch-data", state={"terminated": {"exitCode": 1}})
    (failure,) = found(
        pod(initContainerStatuses=[step], containerStatuses=[waiting("PodInitializing")])
    )
    assert failure == Failure(
        "The preparation step 'fetch-data' ended with exit code 1.", container="fetch-data"
    )


def test_an_image_that_is_no_users_image_is_told_as_that():
    message = 'exec: "/opt/jupyter/bin/python": stat: no such file or directory'
    ended = {"exitCode": 128, "reason": "StartError", "message": message}
    (failure,) = found(pod("Running", containerStatuses=[container(state={"terminated": ended})]))
    assert failure == Failure(f"The server cannot be run in {IMAGE}.", message)


def test_too_little_memory_is_told_as_that():
    killed = container(state={"terminated": {"exitCode": 137, "reason": "OOMKilled"}})
    (failure,) = found(pod("Running", containerStatuses=[killed]))
    assert failure.summary == "The server needed more memory than its profile has."


def test_an_eviction_is_told():
    (failure,) = found(pod("Failed", reason="Evicted", message="disk pressure"))
    assert "Evicted" in failure.summary
    assert failure.detail == "disk pressure"


UNSCHEDULABLE = pod(
    conditions=[
        {"type": "PodScheduled", "status": "False", "message": "0/3 nodes: Insufficient memory"}
    ]
)


def test_a_full_cluster_is_told_when_nobody_has_left_in_time():
    (failure,) = found(UNSCHEDULABLE)
    assert failure == Failure(
        "No node has room for this server.", "0/3 nodes: Insufficient memory", NO_NODE_GRACE
    )


def said(by: str, reason: str, message: str = "why", uid: str = "1") -> dict[str, Any]:
    source = {"component": by} if by == "default-scheduler" else {}
    return {
        "reason": reason,
        "message": message,
        "source": source,
        "reportingComponent": by,
        "involvedObject": {"uid": uid},
    }


SCHEDULER = said("default-scheduler", "FailedScheduling")


@pytest.mark.parametrize("autoscaler", ["karpenter", "eks-auto-mode/compute"])
def test_where_nodes_are_made_on_demand_only_the_autoscaler_may_say_no(autoscaler: str):
    assert found(UNSCHEDULABLE, autoscaled=True) == []
    assert found(UNSCHEDULABLE, SCHEDULER, autoscaled=True) == []
    refusal = said(autoscaler, "FailedScheduling", "exceeds limits for nodepool")
    for events in ([SCHEDULER, refusal], [refusal, SCHEDULER]):
        (failure,) = found(UNSCHEDULABLE, *events, autoscaled=True)
        assert failure.detail == "exceeds limits for nodepool"
    on_its_way = said(autoscaler, "Nominated")
    assert found(UNSCHEDULABLE, refusal, on_its_way, SCHEDULER, autoscaled=True) == []


@pytest.mark.parametrize("reason", ["FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox"])
def test_a_volume_or_network_that_stays_away_is_told_later(reason: str):
    (failure,) = found(pod(), said("kubelet", reason, "timed out"))
    assert failure.detail == "timed out"
    assert failure.grace >= 60


def test_what_has_healed_is_no_failure():
    failed = said("kubelet", "FailedMount")
    assert found(pod("Running"), failed) == []
    assert found(pod(), failed, said("kubelet", "Pulling")) == []
    mounted = [{"type": "PodReadyToStartContainers", "status": "True"}]
    assert found(pod(conditions=mounted), failed) == []


def test_what_happened_to_the_pod_before_does_not_count():
    assert found(pod(), said("kubelet", "FailedMount", uid="an earlier pod")) == []
