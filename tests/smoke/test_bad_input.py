"""What keeps a run from beginning: exit code 2, what is wrong, and what to do."""

import json
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from slipway.model import load
from slipway.smoke.targets import NoHubError, smoke_target
from tests.smoke.conftest import smoke
from tests.support.local import Hub, make_project


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_project(tmp_path / "project")


def refused(folder: Path, *arguments: str, environment: str = "local") -> str:
    found = smoke(folder, *arguments, environment=environment)
    assert (found.code, found.result) == (2, {}), found.said
    assert "Traceback" not in found.said
    assert not (folder / ".slipway/records").exists()
    return found.said


def test_an_environment_that_is_not_there_is_named(folder: Path):
    assert "there is no environment 'nowhere'" in refused(folder, environment="nowhere")


def test_a_local_hub_that_does_not_run_is_to_be_started(folder: Path):
    assert "start it with `slipway up`" in refused(folder)


def test_a_hub_that_cannot_be_reached_is_named(folder: Path):
    token = folder / "token"
    token.write_text("0" * 64)
    arguments = ("--url=http://127.0.0.1:9/", f"--token-file={token}")
    said = refused(folder, *arguments, environment="kube")
    assert "http://127.0.0.1:9/ cannot be reached" in said


@pytest.mark.parametrize("content", [None, "", b"\xff\xfe"])
def test_a_token_file_that_holds_none_is_named(folder: Path, content: str | bytes | None):
    file = folder / "token"
    if content is not None:
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    said = refused(folder, f"--token-file={file}", "--url=http://127.0.0.1:9", environment="kube")
    assert str(file) in said


def test_an_address_must_be_one(folder: Path):
    token = folder / "token"
    token.write_text("0" * 64)
    said = refused(folder, f"--token-file={token}", "--url=hub.example", environment="kube")
    assert "write https://hub.example.org" in said


def test_a_wrong_token_is_told_and_not_shown(small: Hub, folder: Path):
    token = folder / "token"
    token.write_text("f00d" * 16)
    arguments = (f"--url={small.url}", f"--token-file={token}")
    said = refused(folder, *arguments, environment="kube")
    assert "does not take the token" in said
    assert "f00d" not in said


def test_a_cluster_that_kubectl_does_not_reach_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("KUBECONFIG", str(folder / "none"))
    assert "KUBECONFIG" in refused(folder, environment="kube")


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("MOTO_ACCOUNT_ID", "111122223333")


def test_the_token_of_an_environment_on_aws_is_its_secret(folder: Path, account: None):
    environment = load(folder, "dev").environment("dev")
    with mock_aws():
        client = boto3.client("secretsmanager", region_name="eu-central-1")
        client.create_secret(Name="slipway/dev/smoke_token", SecretString="a-token")
        with smoke_target(environment, folder, None, None) as target:
            assert (target.url, target.token) == ("https://hub.dev.example.org/", "a-token")
            assert "a-token" not in repr(target)


def test_a_secret_that_is_not_there_is_told(folder: Path, account: None):
    environment = load(folder, "dev").environment("dev")
    with (
        mock_aws(),
        pytest.raises(NoHubError, match="is dev deployed"),
        smoke_target(environment, folder, None, None),
    ):
        pass


def test_the_key_is_a_path_inside_the_app(folder: Path):
    catalog = {
        "apps": {"a": {"kind": "command", "command": ["a", "{port}"], "websocket": "ws"}},
        "images": {},
        "profiles": {},
    }
    (folder / "catalog.yaml").write_text(json.dumps(catalog))
    assert "write for example /ws" in refused(folder)
