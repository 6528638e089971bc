"""`slipway doctor` against moto's AWS."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from slipway.aws.account import AwsAccount
from slipway.facts import GITHUB_TOKENS
from slipway.model import load
from slipway.operate import checks, doctor
from slipway.steps import StepError
from tests.stacks.conftest import ROOT

REGION = "eu-central-1"
MANIFEST = '{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json"}'


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """moto's account is 123456789012; dev is for another one."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with mock_aws():
        yield


def account(**changes: Any) -> AwsAccount:
    environment = load(ROOT).environment("dev")
    spec = environment.spec.model_copy(update={"account": "123456789012", **changes})
    return AwsAccount(type(environment)(**{**vars(environment), "spec": spec}))


def only(findings: Iterator[checks.Finding]) -> checks.Finding:
    (found,) = findings
    return found


@pytest.fixture
def no_gh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What GitHub answers is for `test_github_rules.py`."""
    monkeypatch.setenv("PATH", str(tmp_path))


def test_another_accounts_credentials_end_the_examination(aws: None, no_gh: None) -> None:
    *others, account = doctor.examine(load(ROOT).environment("dev"))
    assert {other.name for other in others} == {"cdk", "kubectl", "skopeo", "GitHub's rules"}
    assert not account.ok
    assert "is 111122223333, these credentials are for 123456789012" in account.detail
    assert account.remedy == "log in to the environment's account"


def test_no_credentials_are_one_finding_with_a_remedy(
    no_gh: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    account = doctor.examine(load(ROOT).environment("dev"))[-1]
    assert not account.ok
    assert "no credentials for AWS" in account.detail
    assert account.remedy == "log in, then run this again"


def test_an_aws_that_does_not_answer_is_no_question_of_credentials(
    aws: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(StepError, match=r"AWS cannot be asked .*127\.0\.0\.1:9.*run this again"):
        account().check()


def test_zones_that_the_account_does_not_have(aws: None) -> None:
    assert only(checks.zones(account())).ok
    missing = only(checks.zones(account(zones=("eu-central-1a", "eu-central-1x"))))
    assert not missing.ok
    assert "eu-central-1x not there" in missing.detail
    assert "choose among eu-central-1a" in missing.remedy
    (told,) = doctor._findings(checks.zones, account(zones=("eu-central-1a", "eu-central-1x")))
    assert told.remedy.startswith("environments/dev.yaml: zones: choose among")


def test_bootstrap_that_is_missing_old_or_new_enough(aws: None) -> None:
    assert (
        "cdk bootstrap aws://123456789012/eu-central-1" in only(doctor._bootstrap(account())).remedy
    )
    for version, fine in (("6", False), ("32", True)):
        boto3.client("ssm", REGION).put_parameter(
            Name=doctor.BOOTSTRAP_PARAMETER, Value=version, Type="String", Overwrite=True
        )
        assert only(doctor._bootstrap(account())).ok is fine


def test_the_hosted_zone_is_there_public_and_of_that_name(aws: None) -> None:
    missing = only(checks.hosted_zone(account()))
    assert not missing.ok
    assert (missing.key, "list-hosted-zones" in missing.remedy) == ("hosted_zone", True)
    made = boto3.client("route53").create_hosted_zone(Name="dev.example.org", CallerReference="1")
    zone = load(ROOT).environment("dev").spec.hosted_zone  # type: ignore[union-attr]
    assert zone
    id = made["HostedZone"]["Id"].rpartition("/")[2]
    assert only(checks.hosted_zone(account(hosted_zone=zone.model_copy(update={"id": id})))).ok
    other = zone.model_copy(update={"id": id, "name": "example.org"})
    assert not only(checks.hosted_zone(account(hosted_zone=other))).ok


def test_a_second_provider_for_github_is_found_before_its_stack_fails(aws: None) -> None:
    assert only(doctor._github(account())).ok
    iam = boto3.client("iam")
    made = iam.create_open_id_connect_provider(
        Url=f"https://{GITHUB_TOKENS}", ThumbprintList=["a" * 40]
    )
    found = only(doctor._github(account()))
    assert not found.ok
    assert (found.key, found.remedy) == ("github", "write provider: existing")
    iam.tag_open_id_connect_provider(
        OpenIDConnectProviderArn=made["OpenIDConnectProviderArn"],
        Tags=[{"Key": "slipway:environment", "Value": "dev"}],
    )
    assert only(doctor._github(account())).ok, "it is this environment's own"


def test_images_that_nobody_pushed(aws: None) -> None:
    found = list(checks.images(account()))
    wanted = ("hub", "proxy", *load(ROOT).catalog.images)
    assert {one.name for one in found} == {f"image {image}" for image in wanted}
    assert not any(one.ok for one in found)
    ecr = boto3.client("ecr", REGION)
    ecr.create_repository(repositoryName="slipway/hub")
    ecr.put_image(repositoryName="slipway/hub", imageTag="working-tree", imageManifest=MANIFEST)
    assert next(one for one in checks.images(account()) if one.name == "image hub").ok


def test_what_may_not_be_read_is_a_finding_and_not_a_traceback(
    aws: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    found = only(iter(doctor._findings(checks.zones, account())))
    assert not found.ok
    assert found.remedy == "ask for the right to read it"
