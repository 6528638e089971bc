"""What nobody may do on a real cluster: every deny is tried from where it would be tried."""

import pytest

from tests.support.cluster import Cluster, seconds_until
from tests.support.local import Hub, User

CONNECT = """
import socket, sys
# A name that does not resolve is no wall: it ends with an error here.
address = socket.getaddrinfo(sys.argv[1], int(sys.argv[2]), type=socket.SOCK_STREAM)[0][4]
try:
    socket.create_connection(address[:2], timeout=3).close()
    print("open")
except OSError:
    print("closed")
"""


def reach(cluster: Cluster, pod: str, host: str, port: int) -> str:
    return cluster.kubectl("exec", pod, "--", "python", "-c", CONNECT, host, str(port)).strip()


def is_walled(cluster: Cluster, pod: str, host: str, port: int) -> bool:
    """Closed, and it stays closed."""
    return all(reach(cluster, pod, host, port) == "closed" for _ in range(2))


@pytest.fixture(scope="module")
def grace(hub: Hub) -> User:
    user = hub.user("grace")
    if "" not in user.servers():
        user.start("vscode")
    return user


def test_everything_that_runs_passes_restricted_pod_security(
    cluster: Cluster, ada: User, grace: User
):
    # Labelling a namespace makes the API server name every pod in it that violates the level.
    namespace = cluster.get("namespace", cluster.namespace)
    labels = namespace["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert "violate" not in warnings(cluster, cluster.namespace)
    # It does warn where there is something to warn of.
    assert "violate" in warnings(cluster, "kube-system")


def warnings(cluster: Cluster, namespace: str) -> str:
    done = cluster.run(
        *("label", "--dry-run=server", "--overwrite", "namespace", namespace),
        "pod-security.kubernetes.io/enforce=restricted",
        "pod-security.kubernetes.io/enforce-version=latest",
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_a_users_server_reaches_the_hub_and_nothing_else_in_the_cluster(
    cluster: Cluster, ada: User, grace: User
):
    other = cluster.get("pod", "user-grace")["status"]["podIP"]
    node = cluster.pod("hub")["status"]["hostIP"]
    assert reach(cluster, "user-ada", "hub", 8081) == "open"
    hub = cluster.pod("hub")["metadata"]["name"]
    # There is somebody behind the wall: the hub, which may, does reach them.
    guarded = [(other, 8888), ("proxy-api", 8001), ("kubernetes.default", 443)]
    for host, port in guarded:
        assert reach(cluster, hub, host, port) == "open", host
    for host, port in [*guarded, ("proxy-public", 80), (node, 10250), ("169.254.169.254", 80)]:
        # A new pod's rules come a moment after it.
        seconds_until(lambda h=host, p=port: is_walled(cluster, "user-ada", h, p), 40)


def test_an_editor_that_runs_is_known_to_the_pre_stop_hook(cluster: Cluster, ada: User):
    ada.visit("/user/ada/code/")
    ask = "from slipway_notebook import pre_stop; print(len(list(pre_stop.editors())))"
    python = "/opt/jupyter/bin/python"
    assert int(cluster.kubectl("exec", "user-ada", "--", python, "-c", ask)) >= 1


def test_a_users_server_holds_no_token_and_nobody_elses_files(cluster: Cluster, ada: User):
    look = "ls /var/run/secrets /run/secrets 2>&1; ls -A /home; touch /anywhere 2>&1; id -u"
    said = cluster.kubectl("exec", "user-ada", "--", "sh", "-c", look)
    assert "kubernetes.io" not in said
    assert "jovyan\n" in said
    assert "Read-only file system" in said
    assert said.rstrip().endswith("1000")


def test_the_proxys_api_wants_its_token(cluster: Cluster):
    ask = "import urllib.request as u; u.urlopen('http://proxy-api:8001/api/routes')"
    with pytest.raises(AssertionError, match="403"):
        cluster.kubectl("exec", "deployment/hub", "--container=hub", "--", "python", "-c", ask)


def test_the_hub_may_not_read_secrets_of_the_cluster(cluster: Cluster):
    account = f"system:serviceaccount:{cluster.namespace}:hub"
    assert cluster.run("auth", "can-i", "get", "secrets", f"--as={account}").stdout.strip() == "no"
    assert "yes" in cluster.kubectl("auth", "can-i", "create", "pods", f"--as={account}")


def test_one_user_does_not_see_anothers_server(ada: User, grace: User):
    assert ada.visit("/user/grace/api/status").status_code in (403, 404)
