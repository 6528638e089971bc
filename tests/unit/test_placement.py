"""What no cluster could run is refused by `slipway check`, at the line of the environment."""

from pathlib import Path

import pytest

from slipway.model import InvalidProject, load
from slipway.model.nodes import EksNodePool

CATALOG = """\
apps:
  lab: {{kind: jupyterlab}}
images:
  base: {{apps: [lab]}}
profiles:
  work: {{title: Work, image: base{profile}}}
"""
KUBE = """\
target: kubernetes
registry: registry.example.org/team
auth: {{kind: github, client_id: x, admin_users: [ada]}}
{environment}
"""
EKS = """\
target: eks
account: "111122223333"
region: eu-central-1
zones: [eu-central-1a, eu-central-1b]
auth: {{kind: github, client_id: x, admin_users: [ada]}}
{environment}
"""


def errors(folder: Path, target: str, environment: str, profile: str) -> list[str]:
    (folder / "environments").mkdir()
    (folder / "catalog.yaml").write_text(CATALOG.format(profile=profile))
    (folder / "environments/one.yaml").write_text(target.format(environment=environment))
    try:
        load(folder)
    except InvalidProject as error:
        return [str(problem) for problem in error.problems]
    return []


GPU = ", resources: {gpu: 1}"
LARGE = ", resources: {memory: {guarantee: 60Gi, limit: 60Gi}}"
WIDE = ", resources: {cpu: {limit: 8}}"

CASES = [
    (KUBE, "", GPU, "environments/one.yaml:1:1: nodes.users: the profile 'work' asks for 1 GPUs"),
    (KUBE, "nodes: {users: {gpus: 1}}", GPU, None),
    (KUBE, "nodes: {users: {gpus: 1}}", ", resources: {gpu: 2}", "nodes.users: the profile 'work' asks for 2 GPUs, its largest node has 1"),
    (KUBE, "nodes: {users: {memory: 32Gi}}", LARGE, "environments/one.yaml:4:9: nodes.users: the profile 'work' asks for 60Gi memory for servers, its largest node has 32Gi, make the pool's nodes larger or profiles.work.resources smaller"),
    # How large the nodes of somebody else's cluster are is not known unless the file says it.
    (KUBE, "", LARGE, None),
    (KUBE, "nodes: {users: {cpu: 4}}", WIDE, "asks for 8 CPU cores for servers, its largest node has 4"),
    (KUBE, "nodes: {users: {}}", ", nodes: big", "environments/one.yaml:4:1: nodes: the profile 'work' runs on 'big', which is no pool here, add nodes.big here; there is users"),
    # A node of 64 GiB does not hold a server of 64 GiB: the kubelet and its daemons live there, too.
    (EKS, "", ", resources: {memory: {guarantee: 64Gi, limit: 64Gi}}", "nodes.users: the profile 'work' asks for 64Gi memory for servers, its largest node has 62."),
    (EKS, "", LARGE, None),
    (EKS, "nodes: {users: {cpu: 8, memory: 32Gi}}", WIDE, "asks for 8 CPU cores for servers, its largest node has 7.7"),
    (EKS, "nodes: {users: {}, gpu: {gpus: 1, gpu_names: [l4]}}", ", nodes: gpu" + GPU, None),
    (EKS, "nodes: {users: {gpu_names: [l4]}}", "", "nodes.users: gpu_names are given, but no gpus, add gpus: 1"),
    (KUBE, "nodes: {users: {}, idle: {placeholders: 2}}", "", "nodes.idle.placeholders: no profile runs on this pool"),
    (EKS, "nodes: {users: {}, core: {}}", "", "'core' is the pool of the hub itself, call the users' another name"),
    (KUBE, "storage: {homes: {kind: nfs}}", "", "storage.homes: has an unknown kind 'nfs'"),
    (KUBE, "storage: {homes: {kind: existing}}", "", "storage.homes.claim: is missing"),
    (KUBE, "storage: {homes: {kind: shared, access_mode: ReadWriteAll}}", "", "storage.homes.access_mode: cannot be 'ReadWriteAll'"),
    (KUBE, "network: {api_server: [10.96.0.1]}", "", None),
    (KUBE, "network: {api_server: [kubernetes]}", "", "network.api_server[0]: 'kubernetes' is not a range of addresses"),
    (KUBE, "extra_config: {kubespawner: {image: x}}", "", "'kubespawner' is not the name of a configurable class, write for example KubeSpawner"),
]  # fmt: skip


@pytest.mark.parametrize(("target", "environment", "profile", "expected"), CASES)
def test_what_cannot_work_is_told(
    tmp_path: Path, target: str, environment: str, profile: str, expected: str | None
):
    found = errors(tmp_path, target, environment, profile)
    if expected is None:
        assert found == []
    else:
        assert any(expected in line for line in found), found


IN_A_ZONE = "domain: hub.example.org\nhosted_zone: {id: Z0123456789, name: example.org}"


@pytest.mark.parametrize(
    ("target", "domain", "auth", "refused"),
    [
        (KUBE, "domain: hub.example.org", "allow_all: true", True),
        (KUBE, "domain: hub.example.org", "allow_all: true, open_to_everyone: true", False),
        (KUBE, "", "allow_all: true", False),
        (EKS, IN_A_ZONE, "allow_all: true", True),
        (EKS, IN_A_ZONE, "allow_all: true, open_to_everyone: true", False),
        *(
            (KUBE, way_in, f"allow_all: true{word}", not word)
            for way_in in (
                "service: LoadBalancer",
                "service: NodePort",
                "ingress_class: nginx",
                "ingress_annotations: {nginx.ingress.kubernetes.io/proxy-body-size: 1g}",
            )
            for word in ("", ", open_to_everyone: true")
        ),
        (KUBE, "service: ClusterIP", "allow_all: true", False),
        (KUBE, "service: LoadBalancer", "allowed_users: [ada]", False),
        # Without a domain its load balancer is an internal one.
        (EKS, "", "allow_all: true", False),
    ],
)
def test_a_hub_open_to_the_internet_needs_an_explicit_word(
    tmp_path: Path, target: str, domain: str, auth: str, refused: bool
):
    github = "{{kind: github, client_id: x, AUTH}}".replace("AUTH", auth)
    open_hub = target.replace("{{kind: github, client_id: x, admin_users: [ada]}}", github)
    found = errors(tmp_path, open_hub, domain, "")
    if refused:
        (told,) = found
        assert "say auth.open_to_everyone: true" in told
    else:
        assert found == []


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ("{Authenticator: {allow_all: true}}", "extra_config.Authenticator.allow_all"),
        ("{GitHubOAuthenticator: {allow_all: true}}", "extra_config.GitHubOAuthenticator.allow_"),
        ("{JupyterHub: {authenticator_class: dummy}}", "extra_config.JupyterHub.authenticator_"),
        ("{Authenticator: {allow_all: false}}", ""),
        ("{KubeSpawner: {allow_all: true}}", ""),
    ],
)
def test_extra_config_does_not_open_a_public_hub_in_silence(
    tmp_path: Path, setting: str, named: str
):
    github = "{{kind: github, client_id: x, allowed_users: [ada]WORD}}"
    closed = KUBE.replace("{{kind: github, client_id: x, admin_users: [ada]}}", github)
    body = f"service: LoadBalancer\nextra_config: {setting}"
    found = errors(tmp_path, closed.replace("WORD", ""), body, "")
    assert [named in line for line in found] == ([True] if named else [])


def test_a_hub_that_is_open_on_purpose_may_say_so_in_extra_config(tmp_path: Path):
    github = "{{kind: github, client_id: x, allowed_users: [ada], open_to_everyone: true}}"
    target = KUBE.replace("{{kind: github, client_id: x, admin_users: [ada]}}", github)
    body = "service: LoadBalancer\nextra_config: {Authenticator: {allow_all: true}}"
    assert errors(tmp_path, target, body, "") == []


def test_a_small_node_keeps_more_of_itself():
    small, large = (EksNodePool(cpu=n, memory=f"{4 * n}Gi") for n in (2, 64))
    assert (small.capacity().cpu or 0) / 2 < (large.capacity().cpu or 0) / 64
