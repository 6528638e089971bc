"""What `app.py` refuses before CloudFormation starts, against moto's AWS."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws
from moto.route53 import models as route53

from slipway.model import InvalidProject, load
from slipway.operate import before_deploy, checks_at_account
from tests.stacks.conftest import ROOT

OWN = "123456789012"
"""moto's account."""
MANIFEST = '{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json"}'
REGION = "eu-central-1"
ZONE = "Z0123456789DEVEXAMPLE"
"""Of the file."""


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield


@pytest.fixture
def project(tmp_path: Path, aws: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With the account's hosted zone and every image."""
    # Ids are Route 53's to choose, and moto's do not begin like its.
    monkeypatch.setattr(route53, "create_route53_zone_id", lambda **_: ZONE)
    boto3.client("route53").create_hosted_zone(Name="dev.example.org", CallerReference="1")
    (tmp_path / "environments").mkdir()
    dev = (ROOT / "environments/dev.yaml").read_text()
    (tmp_path / "environments/dev.yaml").write_text(dev.replace("111122223333", OWN))
    (tmp_path / "catalog.yaml").write_text((ROOT / "catalog.yaml").read_text())
    ecr = boto3.client("ecr", REGION)
    for image in ("hub", "proxy", *load(tmp_path).catalog.images):
        ecr.create_repository(repositoryName=f"slipway/{image}")
        ecr.put_image(
            repositoryName=f"slipway/{image}", imageTag="working-tree", imageManifest=MANIFEST
        )
    return tmp_path


def problems(root: Path, *, hub: bool = True) -> list[str]:
    environment = load(root).environment("dev")
    return [str(one) for one in checks_at_account.problems(root, environment, None, hub=hub)]


def edit(root: Path, old: str, new: str) -> None:
    file = root / "environments/dev.yaml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


def line(root: Path, start: str) -> int:
    lines = (root / "environments/dev.yaml").read_text().splitlines()
    return next(n for n, text in enumerate(lines, 1) if text.startswith(start))


def test_what_is_complete_is_deployed_without_a_word(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert problems(project) == []
    assert capsys.readouterr().err == ""


def test_a_zone_that_does_not_exist_is_refused_at_its_line(project: Path) -> None:
    edit(project, "eu-central-1b]", "eu-central-1x]")
    (found,) = problems(project)
    assert found.startswith(f"environments/dev.yaml:{line(project, 'zones')}:")
    assert "eu-central-1x not there, choose among eu-central-1a" in found


def test_a_domain_without_its_zone_is_refused_at_its_line(project: Path) -> None:
    edit(project, ZONE, "Z0000000000000")
    (found,) = problems(project)
    assert found.startswith(f"environments/dev.yaml:{line(project, 'hosted_zone')}:")
    assert "Z0000000000000 is not in this account" in found
    assert problems(project, hub=False) == [], "it is the hub that needs it"


def test_an_image_that_is_not_in_the_registry_is_refused(project: Path) -> None:
    boto3.client("ecr", REGION).delete_repository(repositoryName="slipway/proxy", force=True)
    (found,) = problems(project)
    assert "image proxy: the tag working-tree is not in the registry" in found
    assert "slipway build --push dev" in found
    assert problems(project, hub=False) == [], "the registry itself must be deployed before"


def test_another_account_is_entered_through_its_bootstrap(project: Path) -> None:
    """As the CDK CLI does: credentials of one account may deploy to another that trusts it."""
    edit(project, OWN, "111122223333")
    found = problems(project)
    assert found, "nothing is there"
    assert not any("your credentials" in problem for problem in found)


def test_another_account_that_does_not_trust_these_credentials_is_refused(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_role_is_lent(monkeypatch)
    assert problems(project) == [], "the account's own credentials do"
    edit(project, OWN, "111122223333")
    (found,) = problems(project)
    assert found.startswith(f"environments/dev.yaml:{line(project, 'account')}:")
    assert f"your credentials are for {OWN} and may not take its roles" in found
    assert "log in to 111122223333" in found


def no_role_is_lent(monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.client import BaseClient
    from botocore.exceptions import ClientError

    call = BaseClient._make_api_call  # type: ignore[attr-defined]

    def refusing(self: object, operation: str, arguments: dict[str, object]) -> object:
        if operation == "AssumeRole":
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, operation)
        return call(self, operation, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", refusing)


def test_what_may_not_be_read_is_said_and_stops_nobody(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert problems(project) == []
    assert "dev is deployed without being checked before" in capsys.readouterr().err


def test_nobody_is_asked_twice_for_the_code_of_a_second_factor(
    project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = tmp_path / "config"
    config.write_text(
        "[profile team]\nrole_arn = arn:aws:iam::123456789012:role/x\nsource_profile = me\n"
        "[profile me]\nmfa_serial = arn:aws:iam::123456789012:mfa/me\nregion = eu-central-1\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_PROFILE", "team")
    assert problems(project) == []
    assert "would ask for its code twice" in capsys.readouterr().err


def test_only_what_is_deployed_is_checked(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(project, "eu-central-1b]", "eu-central-1x]")
    environments = [load(project).environment("dev")]
    monkeypatch.setenv("CDK_DEFAULT_ACCOUNT", OWN)
    for arguments in (["list"], ["synth", "dev/*"], ["diff", "dev/*"], ["deploy", "prod/*"], []):
        monkeypatch.setattr(before_deploy, "cdk_arguments", lambda now=arguments: now)
        before_deploy.check(project, environments)
    monkeypatch.setattr(before_deploy, "cdk_arguments", lambda: ["deploy", "dev/*"])
    with pytest.raises(InvalidProject, match="eu-central-1x not there"):
        before_deploy.check(project, environments)
    monkeypatch.delenv("CDK_DEFAULT_ACCOUNT")
    before_deploy.check(project, environments)


def test_the_stacks_that_a_pattern_names() -> None:
    assert before_deploy.selected("dev", ["deploy", "dev/hub", "-c", "env=dev"]) == {"hub"}
    assert before_deploy.selected("dev", ["deploy", "*/registry"]) == {"registry"}
    assert before_deploy.selected("dev", ["deploy", "prod/*"]) == set()
    for everything in (["deploy", "dev/*"], ["deploy", "**"], ["deploy", "--all"]):
        assert before_deploy.selected("dev", everything) == set(before_deploy.STACKS)


def test_the_cli_above_us_is_asked_what_it_was_called_with(tmp_path: Path) -> None:
    """As it runs an app: in a shell of its own."""
    program = "from slipway.operate.before_deploy import cdk_arguments; print(*cdk_arguments())"
    cli = tmp_path / "cdk"
    app = tmp_path / "app.sh"
    app.write_text(f'"{sys.executable}" -c "{program}"; :')
    cli.write_text(f"import subprocess; subprocess.run(['sh', '{app}'])")
    command = [sys.executable, str(cli), "-c", "env=dev", "deploy", "dev/*"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["-c", "env=dev", "deploy", "dev/*"]
