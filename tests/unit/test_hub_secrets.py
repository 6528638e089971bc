"""Secrets from AWS as files: all of them, for the hub alone, or none."""

import stat
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from slipway_hub.secrets import SecretMissingError, fetch


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    with mock_aws():
        client = boto3.client("secretsmanager", region_name="eu-central-1")
        client.create_secret(Name="slipway/dev/cookie_secret", SecretString="s3cret")
        client.create_secret(Name="slipway/dev/empty", SecretString=" ")
        yield client


def test_a_secret_becomes_a_file_that_only_the_pods_group_reads(tmp_path: Path, manager: Any):
    fetch({"cookie_secret": "slipway/dev/cookie_secret"}, tmp_path, manager)
    (file,) = tmp_path.iterdir()
    assert (file.name, file.read_text()) == ("cookie_secret", "s3cret")
    assert stat.S_IMODE(file.stat().st_mode) == 0o440


@pytest.mark.parametrize(
    ("secret", "why"), [("slipway/dev/gone", "ResourceNotFound"), ("slipway/dev/empty", "is empty")]
)
def test_a_secret_that_is_missing_is_named(tmp_path: Path, manager: Any, secret: str, why: str):
    with pytest.raises(SecretMissingError, match=f"oauth_client_secret: {secret}.*{why}"):
        fetch({"oauth_client_secret": secret}, tmp_path, manager)
    assert list(tmp_path.iterdir()) == []
