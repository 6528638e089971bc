"""Pods that are killed under a running server: what its user notices."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx

from tests.support.cluster import Cluster, healthy, seconds_until
from tests.support.local import Hub, User
from tests.support.vscode import greet, management

EDITOR = "/user/ada/code/?folder=/home/jovyan"
HUB_BACK, PROXY_BACK = 30.0, 30.0
"""Seconds. The measured times are in benchmarks/: these only tell minutes from seconds."""


@contextmanager
def watched(user: User, path: str) -> Iterator[list[str]]:
    """Ask for `path` as the user, ten times a second; what went wrong meanwhile."""
    wrong: list[str] = []
    over = threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=user.hub.url, cookies=user.client.cookies, timeout=5) as client:
            while not over.wait(0.1):
                try:
                    status = client.get(path).status_code
                    if status != 200:
                        wrong.append(str(status))
                except httpx.HTTPError as error:
                    wrong.append(repr(error))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield wrong
    finally:
        over.set()
        thread.join()


def kill(cluster: Cluster, component: str) -> None:
    name = cluster.pod(component)["metadata"]["name"]
    cluster.kubectl("delete", "pod", name, "--grace-period=0", "--force", "--wait=false")


def test_a_killed_hub_comes_back_and_no_user_notices(cluster: Cluster, hub: Hub, ada: User):
    ada.visit(EDITOR)
    with management(ada, "/user/ada/code/") as connection:
        assert greet(connection) == "sign"
        with watched(ada, EDITOR) as wrong:
            kill(cluster, "hub")
            seconds_until(lambda: not healthy(hub), 30)
            took = seconds_until(lambda: healthy(hub), HUB_BACK)
        print(f"hub back after {took:.1f} s")
        assert wrong == []
        connection.ping().wait(10)
    assert ada.servers()[""]["ready"]


def test_a_killed_proxy_serves_running_servers_again(cluster: Cluster, hub: Hub, ada: User):
    ada.visit(EDITOR)
    kill(cluster, "proxy")
    begin = time.monotonic()

    def served() -> bool:
        try:
            answer = httpx.get(
                f"{hub.url.rstrip('/')}{EDITOR}", cookies=ada.client.cookies, timeout=1
            )
        except httpx.HTTPError:
            return False
        return answer.status_code == 200

    seconds_until(lambda: not served(), 30)
    seconds_until(served, PROXY_BACK)
    print(f"served again after {time.monotonic() - begin:.1f} s")


def test_a_hub_that_lost_the_kubernetes_api_for_a_minute_goes_on_with_it(
    cluster: Cluster, hub: Hub, ada: User, api_outage: Callable[[], object]
):
    ada.visit(EDITOR)
    other = hub.user("edsger")
    with watched(ada, EDITOR) as wrong:
        api_outage()
        begin = time.monotonic()
        # The nodes and the scheduler have lost the API, too, and take a minute to be back.
        other.start("lab", seconds=240)
        print(f"another server started {time.monotonic() - begin:.1f} s after the API was back")
    assert wrong == []
    assert ada.servers()[""]["ready"]
    other.stop()
    ada.stop()


def test_new_settings_restart_the_hub_alone(cluster: Cluster, hub: Hub, ada: User):
    ada.visit(EDITOR)
    proxy = cluster.pod("proxy")["metadata"]["uid"]
    before = cluster.pod("hub")["metadata"]["uid"]
    catalog = cluster.folder / "catalog.yaml"
    catalog.write_text(catalog.read_text().replace('"JupyterLab"', '"The Lab"'))
    cluster.render()
    with watched(ada, EDITOR) as wrong:
        cluster.apply("02-hub.yaml")
        cluster.wait("hub")
        seconds_until(lambda: healthy(hub), 30)
    assert cluster.pod("hub")["metadata"]["uid"] != before
    assert cluster.pod("proxy")["metadata"]["uid"] == proxy
    assert wrong == []


def test_applying_the_same_again_changes_nothing(cluster: Cluster):
    pods = [cluster.pod(name)["metadata"]["uid"] for name in ("hub", "proxy")]
    for chart in ("01-platform.yaml", "02-hub.yaml"):
        cluster.kubectl("diff", f"--filename={cluster.folder / 'out' / chart}")
        cluster.apply(chart)
    assert [cluster.pod(name)["metadata"]["uid"] for name in ("hub", "proxy")] == pods


def test_a_lost_database_is_restored_when_the_hub_starts(cluster: Cluster, hub: Hub, ada: User):
    def in_hub(*command: str) -> str:
        return cluster.kubectl("exec", "deployment/hub", "--container=hub", "--", *command)

    in_hub("slipway-hub", "snapshot")
    in_hub("sh", "-c", "rm /srv/jupyterhub/jupyterhub.sqlite*")
    kill(cluster, "hub")
    cluster.wait("hub")
    seconds_until(lambda: healthy(hub), 60)
    # The same cookie, the same server: as if nothing had happened.
    assert ada.servers()[""]["user_options"] == {"profile": "vscode"}
