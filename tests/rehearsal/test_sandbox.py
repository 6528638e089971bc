"""A rehearsal cannot reach AWS, whatever this process could."""

import os
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from slipway.aws.account import AwsAccount
from slipway.model import load
from slipway.rehearse.sandbox import CLOSED_PROXY, Sandbox, without_credentials

ROOT = Path(__file__).parents[2]
NOWHERE = "http://127.0.0.1:9"
REAL = {
    "AWS_ACCESS_KEY_ID": "AKIAREAL",
    "AWS_SECRET_ACCESS_KEY": "real",
    "AWS_SESSION_TOKEN": "real",
    "AWS_PROFILE": "production",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "/var/run/token",
    "AWS_ENDPOINT_URL_STS": "https://sts.amazonaws.com",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
}
SERVICES = (
    *("backup", "cloudformation", "cloudwatch", "ec2", "ecr", "efs", "eks", "elbv2", "events"),
    *("iam", "kms", "lambda", "logs", "resourcegroupstaggingapi", "route53", "s3"),
    *("secretsmanager", "service-quotas", "sns", "ssm", "sts", "dynamodb", "bedrock-runtime"),
)
"""What we use, and some that we don't."""
ENDPOINTS = f"""
import boto3
for service in {SERVICES}:
    print(boto3.client(service).meta.endpoint_url)
"""
ANY_CALL = """
import boto3
from botocore.config import Config
quick = Config(retries={"max_attempts": 0}, connect_timeout=2, read_timeout=2)
# A client that ignores the endpoint variables.
client = boto3.client("sts", endpoint_url="https://sts.eu-central-1.amazonaws.com", config=quick)
client.get_caller_identity()
"""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """Beside somebody's real credentials."""
    for name, value in REAL.items():
        monkeypatch.setenv(name, value)
    return Sandbox(tmp_path, NOWHERE)


def test_nothing_of_the_real_credentials_gets_in(world: Sandbox) -> None:
    inside = world.environment("111122223333", "eu-central-1")
    assert not {v for v in REAL.values() if v != "true"} & set(inside.values())
    assert not {n for n in REAL if n not in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")} & set(
        inside
    )
    assert inside["AWS_CONFIG_FILE"] == inside["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull
    assert inside["AWS_EC2_METADATA_DISABLED"] == "true"
    assert Path(inside["HOME"]).is_relative_to(world.folder)


def test_every_service_is_looked_for_on_loopback(world: Sandbox) -> None:
    assert run(world, ENDPOINTS).stdout.split() == [NOWHERE] * len(SERVICES)


def test_a_client_that_ignores_the_endpoint_meets_a_closed_door(world: Sandbox) -> None:
    done = run(world, ANY_CALL)
    assert done.returncode != 0
    assert CLOSED_PROXY in done.stderr
    assert "proxy" in done.stderr.lower()


def test_our_own_clients_are_led_to_the_emulator_too(world: Sandbox) -> None:
    environment = load(ROOT).environment("dev")
    with without_credentials():
        assert boto3.Session().get_credentials() is None
        aws = AwsAccount(environment, world.environment("111122223333", "eu-central-1"))
        for service in SERVICES:
            assert aws.client(service).meta.endpoint_url == NOWHERE, service
        key = aws.client("sts")._request_signer._credentials.access_key
    assert key == "111122223333"
    assert os.environ["AWS_PROFILE"] == "production", "it is back afterwards"


def run(world: Sandbox, program: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", program],
        env=world.environment("111122223333", "eu-central-1"),
        capture_output=True,
        text=True,
        check=False,
    )
