"""The spawner's watch on a pod that starts, without a cluster: the API's words are given."""

import asyncio
import hashlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub.spawner import SpawnException
from kubernetes_asyncio.client.rest import ApiException
from slipway_hub.pod_spawner import PodSpawner

from tests.support.no_cluster import no_cluster

KEY = "hub/user-ada"


class Api:
    """What the spawner asks of the API: the log of a container, and whose a claim is."""

    claims: dict[str, str | None]

    def __init__(self) -> None:
        self.claims = {}

    async def read_namespaced_persistent_volume_claim(self, name: str, namespace: str) -> Any:
        if name not in self.claims:
            raise ApiException(status=404)
        owner = self.claims[name]
        annotations = {"hub.jupyter.org/username": owner} if owner else None
        return SimpleNamespace(metadata=SimpleNamespace(annotations=annotations))

    async def read_namespaced_pod_log(self, name: str, namespace: str, **asked: Any) -> str:
        return "" if asked["previous"] else f"the end of {asked['container']}\n"


@pytest.fixture
def spawner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    async def make() -> Any:
        return PodSpawner(_mock=True, namespace="hub")

    with no_cluster(tmp_path):
        made = asyncio.run(make())
    made.pod_name = "user-ada"
    made.api = Api()
    reflectors = {"pods": SimpleNamespace(pods={}), "events": SimpleNamespace(events=[])}
    monkeypatch.setattr(PodSpawner, "pod_reflector", property(lambda _: reflectors["pods"]))
    monkeypatch.setattr(PodSpawner, "event_reflector", property(lambda _: reflectors["events"]))
    return made


def pod(uid: str = "new", **status: Any) -> dict[str, Any]:
    return {"metadata": {"uid": uid, "name": "user-ada"}, "status": status}


def running(ip: str = "127.0.0.1", **container: Any) -> dict[str, Any]:
    status = {"name": "notebook", "ready": True, "state": {"running": {}}, **container}
    return pod(phase="Running", podIP=ip, containerStatuses=[status])


def crashed(uid: str = "new") -> dict[str, Any]:
    status = {"name": "notebook", "ready": False, "state": {"terminated": {"exitCode": 3}}}
    return pod(uid, phase="Running", podIP="127.0.0.1", containerStatuses=[status])


def watch(spawner: Any, seconds: float = 10) -> str:
    async def run() -> str:
        return str(await asyncio.wait_for(spawner._answering(), seconds))

    return asyncio.run(run())


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_server_is_there_when_it_can_be_connected_to(
    spawner: Any, listening: int, monkeypatch: pytest.MonkeyPatch
):
    url = f"http://127.0.0.1:{listening}"
    monkeypatch.setattr(spawner, "_get_pod_url", lambda pod: url)
    spawner.pod_reflector.pods[KEY] = running()
    assert watch(spawner) == url
    assert spawner.pod_id == "new"


def test_a_server_that_does_not_listen_yet_is_waited_for(
    spawner: Any, monkeypatch: pytest.MonkeyPatch
):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        monkeypatch.setattr(spawner, "_get_pod_url", lambda pod: url)
        spawner.pod_reflector.pods[KEY] = running()
        with pytest.raises(TimeoutError):
            watch(spawner, seconds=1)


def test_a_container_that_ends_is_told_with_its_last_lines_and_where_to_look(spawner: Any):
    spawner.pod_reflector.pods[KEY] = crashed()
    with pytest.raises(SpawnException) as raised:
        watch(spawner)
    assert "exit code 3" in raised.value.message
    assert "the end of notebook" in raised.value.message
    assert "kubectl -n hub describe pod user-ada" in raised.value.log_message


def test_what_an_earlier_pod_of_the_same_name_did_does_not_count(
    spawner: Any, listening: int, monkeypatch: pytest.MonkeyPatch
):
    url = f"http://127.0.0.1:{listening}"
    monkeypatch.setattr(spawner, "_get_pod_url", lambda pod: url)
    spawner._earlier = "old"
    spawner.pod_reflector.pods[KEY] = crashed("old")

    async def run() -> str:
        watching = asyncio.ensure_future(spawner._answering())
        await asyncio.sleep(0.3)
        assert not watching.done()
        spawner.pod_reflector.pods[KEY] = running()
        return str(await asyncio.wait_for(watching, 10))

    assert asyncio.run(run()) == url


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("pods 'x' is forbidden: exceeded quota: user-servers", "The cluster's quota is used up."),
        ('violates PodSecurity "restricted:v1.36"', "The cluster refuses this server."),
    ],
)
def test_what_the_api_refuses_is_told_in_its_words(spawner: Any, message: str, told: str):
    error = ApiException(status=403, reason="Forbidden")
    error.body = json.dumps({"message": message})
    refused = spawner._refused(error)
    assert refused.message.startswith(told)
    assert message in refused.message


def test_an_answer_that_is_no_json_is_told_by_its_reason(spawner: Any):
    assert "Bad Gateway" in spawner._refused(ApiException(status=502, reason="Bad Gateway")).message


def claim_found(spawner: Any, user: str, **claims: str | None) -> str:
    spawner.user.name = user
    spawner.pvc_name_template = "home-{username}"
    spawner.pvc_name = spawner._expand_user_properties(spawner.pvc_name_template)
    spawner.api.claims = {name.replace("_", "-"): owner for name, owner in claims.items()}
    asyncio.run(spawner._find_claim())
    return str(spawner.pvc_name)


def test_a_claim_of_the_users_own_is_used(spawner: Any):
    assert claim_found(spawner, "ada", home_ada="ada") == "home-ada"
    assert claim_found(spawner, "ada") == "home-ada"
    # One that somebody has made beforehand says nothing of its owner.
    assert claim_found(spawner, "ada", home_ada=None) == "home-ada"


def test_a_claim_of_another_user_is_not_mounted(spawner: Any):
    with pytest.raises(SpawnException, match="another user's"):
        claim_found(spawner, "ada", home_ada="eve")


def test_a_claim_with_kubespawners_short_hash_is_kept_by_its_owner_alone(spawner: Any):
    short = "home-ada-x---" + hashlib.sha256(b"ada@x").hexdigest()[:8]
    kept = short.replace("-", "_")
    assert claim_found(spawner, "ada@x", **{kept: "ada@x"}) == short
    other = claim_found(spawner, "ada@x", **{kept: "ada.x"})
    assert other.startswith("home-ada-x---")
    assert len(other) > len(short)


def test_what_a_container_prints_is_no_command_for_a_terminal(spawner: Any):
    raised = spawner._exception("its end: \x1b]0;owned\x07\u202e\nnext")
    assert raised.message == "its end: \\x1b]0;owned\\x07\\u202e\nnext"
    assert "\x1b" not in raised.log_message
