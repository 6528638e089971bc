"""What nobody may do on a real cluster: every deny is tried from where it would be tried."""

import pytest

from tests.support.cluster import Cluster, seconds_until
from tests.support.local import Hub, User

CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=3).close()
    print("open")
except OSError as error:
    print("closed", error)
"""


def reach(cluster: Cluster, pod: str, host: str, port: int) -> str:
    said = cluster.kubectl(
        "exec", pod, "--", "/opt/jupyter/bin/python", "-c", CONNECT, host, str(port)
    )
    return said.split()[0]


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
    said = cluster.kubectl(
        *("label", "--dry-run=server", "--overwrite", "namespace", cluster.namespace),
        "pod-security.kubernetes.io/enforce=restricted",
        "pod-security.kubernetes.io/enforce-version=latest",
    )
    assert "violate" not in said


def test_a_users_server_reaches_the_hub_and_nothing_else_in_the_cluster(
    cluster: Cluster, ada: User, grace: User
):
    other = cluster.get("pod", "user-grace")["status"]["podIP"]
    kubernetes = cluster.pod("hub")["status"]["hostIP"]
    assert reach(cluster, "user-ada", "hub", 8081) == "open"
    closed = [
        (other, 8888),
        ("proxy-api", 8001),
        ("proxy-public", 80),
        ("kubernetes.default", 443),
        (kubernetes, 10250),
        ("169.254.169.254", 80),
    ]
    for host, port in closed:
        # A new pod's rules come a moment after it.
        seconds_until(lambda h=host, p=port: reach(cluster, "user-ada", h, p) == "closed", 20)


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
    with pytest.raises(AssertionError):
        cluster.kubectl("auth", "can-i", "get", "secrets", f"--as={account}")
    assert "yes" in cluster.kubectl("auth", "can-i", "create", "pods", f"--as={account}")


def test_one_user_does_not_see_anothers_server(ada: User, grace: User):
    assert ada.visit("/user/grace/api/status").status_code in (403, 404)
