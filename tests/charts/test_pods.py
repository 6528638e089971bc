"""Users' pods: Pod Security `restricted`, what they may read, and that policies mean them."""

from pathlib import Path

import pytest

from slipway.model import Environment
from tests.charts.conftest import Object, one
from tests.charts.restricted import violations
from tests.charts.user_pods import user_pod


@pytest.mark.parametrize("profile", ["vscode", "rstudio"])
def test_users_pods_pass_restricted_pod_security(
    environment: Environment, profile: str, tmp_path: Path
) -> None:
    assert violations(user_pod(environment, profile, tmp_path)["spec"]) == []


def test_users_pods_hold_no_token_for_the_kubernetes_api(
    environment: Environment, tmp_path: Path
) -> None:
    user = user_pod(environment, "vscode", tmp_path)["spec"]
    assert user["automountServiceAccountToken"] is False


@pytest.mark.parametrize("profile", ["vscode", "rstudio"])
def test_the_users_network_policy_means_every_users_pod(
    environment: Environment, objects: list[Object], profile: str, tmp_path: Path
) -> None:
    labels = user_pod(environment, profile, tmp_path)["metadata"]["labels"]
    policy = one(objects, "NetworkPolicy", "singleuser-server")["spec"]
    assert policy["podSelector"]["matchLabels"].items() <= labels.items()


def test_users_homes_are_on_the_claim_of_the_platform(
    environment: Environment, objects: list[Object], tmp_path: Path
) -> None:
    user = user_pod(environment, "vscode", tmp_path)["spec"]
    claims = [
        v["persistentVolumeClaim"]["claimName"]
        for v in user["volumes"]
        if "persistentVolumeClaim" in v
    ]
    assert claims
    for claim in claims:
        one(objects, "PersistentVolumeClaim", claim)
