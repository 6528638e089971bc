"""The gates of an environment on AWS, each not passed by its name."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from slipway.aws.account import AwsAccount
from slipway.model import Project, load
from slipway.release.promotion import gates
from slipway.release.promotion.access import EnvironmentAccess, account_access, with_release
from slipway.release.promotion.deployed import stacks_of
from slipway.release.promotion.promote import PromotionListener, PromotionRequest, promote
from slipway.release.records import OperationRecord, S3RecordStore, record_store
from slipway.steps import StepError
from tests.promotion.conftest import CATALOG, release
from tests.support.local import ROOT

ACCOUNT, REGION = "123456789012", "eu-central-1"
"""moto's account: who asks has credentials of it."""
DIGEST = f"sha256:{'a' * 64}"


class Image:
    digest = DIGEST


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "environments").mkdir()
    for name in ("dev", "prod"):
        text = (ROOT / f"environments/{name}.yaml").read_text()
        account = "111122223333" if name == "dev" else "444455556666"
        other = {"dev": ACCOUNT, "prod": account}[name]
        text = text.replace(f'account: "{account}"', f'account: "{other}"\nrelease: 1.0.0')
        (tmp_path / f"environments/{name}.yaml").write_text(text)
    (tmp_path / "catalog.yaml").write_text(json.dumps(CATALOG))
    release(tmp_path, "1.0.0", dict.fromkeys(("hub", "notebook", "proxy"), Image()))  # type: ignore[arg-type]
    return load(tmp_path)


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        yield


@pytest.fixture
def sides(project: Project) -> tuple[EnvironmentAccess, EnvironmentAccess]:
    dev, prod = project.environment("dev"), project.environment("prod")
    assert dev.release
    aws = AwsAccount(dev)
    stub(aws, cloudformation=Stacks())
    return (
        EnvironmentAccess(dev, project.root, aws),
        EnvironmentAccess(with_release(project.root, prod, dev.release), project.root, None),
    )


class Stacks:
    """CloudFormation, as far as it is asked what is deployed."""

    def __init__(self) -> None:
        self.releases: dict[str, str] = {}
        self.status = "UPDATE_COMPLETE"

    def describe_stacks(self, **which: str) -> dict[str, Any]:
        name = which["StackName"]
        if name not in self.releases:
            message = f"Stack with id {name} does not exist"
            error = {"Error": {"Code": "ValidationError", "Message": message}}
            raise ClientError(error, "DescribeStacks")
        tags = [{"Key": "slipway:release", "Value": self.releases[name]}]
        return {"Stacks": [{"StackStatus": self.status, "Tags": tags}]}

    def get_paginator(self, _: str) -> "Stacks":
        return self

    def paginate(self, **which: str) -> list[dict[str, Any]]:
        bucket = {"ResourceType": "AWS::S3::Bucket", "PhysicalResourceId": "the-bucket"}
        found = [bucket | {"ResourceStatus": "CREATE_COMPLETE"}]
        return [{"StackResourceSummaries": found if which["StackName"] == "dev-data" else []}]


def stub(aws: AwsAccount, **clients: Any) -> None:
    """Have these answer in place of moto."""
    real: Any = aws.client
    aws.client = lambda service: clients[service] if service in clients else real(service)  # type: ignore[assignment,misc]


def deploy(side: EnvironmentAccess, **releases: str) -> Stacks:
    """Its stacks with their tags; `hub="0.9.0"` says otherwise for one."""
    assert side.aws
    stacks: Any = side.aws.client("cloudformation")
    names = stacks_of(side.environment.eks_spec)
    stacks.releases = {f"{side.name}-{short}": releases.get(short, "1.0.0") for short in names}
    where = {"LocationConstraint": REGION}
    boto3.client("s3", REGION).create_bucket(Bucket="the-bucket", CreateBucketConfiguration=where)
    found: Stacks = stacks
    return found


def test_stacks_of_the_pinned_release_are_passed(
    project: Project, sides: tuple[EnvironmentAccess, EnvironmentAccess]
):
    deploy(sides[0])
    assert gates.release(*sides) == (True, "all stacks have 1.0.0")


def test_one_stack_of_another_release_is_not_passed(
    project: Project, sides: tuple[EnvironmentAccess, EnvironmentAccess]
):
    deploy(sides[0], hub="0.9.0")
    ok, detail = gates.release(*sides)
    assert not ok
    assert "hub has 0.9.0" in detail


def test_another_release_than_the_pinned_one_is_told(
    project: Project, sides: tuple[EnvironmentAccess, EnvironmentAccess]
):
    deploy(sides[0], **dict.fromkeys(stacks_of(sides[0].environment.eks_spec), "0.9.0"))
    assert gates.release(*sides) == (
        False,
        "dev pins 1.0.0 and runs 0.9.0: deploy it first",
    )


def test_a_stack_that_is_missing_or_nothing_at_all_is_told(
    project: Project, sides: tuple[EnvironmentAccess, EnvironmentAccess]
):
    assert gates.release(*sides) == (False, "nothing is deployed")
    del deploy(sides[0]).releases["dev-observability"]
    assert gates.release(*sides) == (False, "observability is not there")


@pytest.mark.parametrize("status", ["UPDATE_ROLLBACK_COMPLETE", "UPDATE_IN_PROGRESS"])
def test_a_stack_that_failed_or_is_not_done_is_told(
    project: Project, sides: tuple[EnvironmentAccess, EnvironmentAccess], status: str
):
    deploy(sides[0]).status = status
    ok, detail = gates.release(*sides)
    assert not ok
    assert f"hub is {status}" in detail


def smoked(side: EnvironmentAccess, **changes: Any) -> None:
    at = datetime.now(UTC) - timedelta(hours=1)
    assert side.release
    fields = {"ok": True, "checks": [], "digest": side.release.digest}
    record = OperationRecord("smoke", "dev", "1.0.0", at, True, fields)
    side.records().add(replace(record, **changes))


def test_a_smoke_test_in_the_bucket_counts(
    project: Project, sides: tuple[EnvironmentAccess, EnvironmentAccess]
):
    deploy(sides[0])
    assert not gates.smoke(*sides)[0]
    smoked(sides[0])
    assert gates.smoke(*sides)[0]
    smoked(sides[0], at=datetime.now(UTC), fields={"digest": f"sha256:{'b' * 64}", "checks": []})
    ok, detail = gates.smoke(*sides)
    assert not ok
    assert f"was of 1.0.0 sha256:{'b' * 64}" in detail


def test_a_smoke_test_of_a_release_without_its_file_does_not_count(
    project: Project, sides: tuple[EnvironmentAccess, EnvironmentAccess]
):
    deploy(sides[0])
    smoked(sides[0], fields={"ok": True, "checks": []})
    ok, detail = gates.smoke(*sides)
    assert not ok
    assert "was of 1.0.0 of no release file: run `slipway smoke dev`" in detail


def test_a_record_in_the_bucket_is_never_written_again(
    sides: tuple[EnvironmentAccess, EnvironmentAccess],
):
    deploy(sides[0])
    records = sides[0].records()
    assert isinstance(records, S3RecordStore)
    record = OperationRecord("smoke", "dev", "1.0.0", datetime.now(UTC), True, {})
    assert records.add(record).endswith(record.key())
    with pytest.raises(ClientError, match="PreconditionFailed"):
        records.add(replace(record, ok=False))
    assert [one.ok for one in records.newest_first("smoke", "dev")] == [True]
    assert not list(records.newest_first("smoke", "prod"))


def test_records_of_an_environment_without_a_bucket_say_what_to_deploy(
    sides: tuple[EnvironmentAccess, EnvironmentAccess],
):
    with pytest.raises(StepError, match=r"cdk deploy 'dev/data'"):
        record_store(sides[0].root, sides[0].environment, sides[0].aws)


def test_who_can_keep_no_record_is_told_before_any_gate(
    project: Project, monkeypatch: pytest.MonkeyPatch
):
    real = boto3.Session.client

    def client(self: boto3.Session, service: Any, **options: Any) -> Any:
        return Stacks() if service == "cloudformation" else real(self, service, **options)

    monkeypatch.setattr(boto3.Session, "client", client)
    told: list[gates.Gate] = []
    with pytest.raises(StepError, match=r"cdk deploy 'prod/data'"):
        promote(project, PromotionRequest("dev", "prod"), PromotionListener(gate=told.append))
    assert not told


class Drift:
    """CloudFormation's drift detection, which moto does not have."""

    def __init__(self, status: str, detection: str = "DETECTION_COMPLETE") -> None:
        self._found = {"DetectionStatus": detection, "StackDriftStatus": status}
        self._found["DetectionStatusReason"] = "access denied" if "FAILED" in detection else ""

    def detect_stack_drift(self, **which: str) -> dict[str, str]:
        return {"StackDriftDetectionId": which["StackName"]}

    def describe_stack_drift_detection_status(self, **which: str) -> dict[str, str]:
        bad = which["StackDriftDetectionId"] == "dev-hub"
        return self._found if bad else {**self._found, **IN_SYNC}

    def describe_stack_resource_drifts(self, **_: Any) -> dict[str, Any]:
        drifts = [{"LogicalResourceId": "role", "StackResourceDriftStatus": "MODIFIED"}]
        return {"StackResourceDrifts": drifts}


IN_SYNC = {"DetectionStatus": "DETECTION_COMPLETE", "StackDriftStatus": "IN_SYNC"}


@pytest.mark.parametrize(
    ("client", "said"),
    [
        (Drift("IN_SYNC"), None),
        (Drift("DRIFTED"), "dev-hub has drifted: role MODIFIED"),
        (Drift("UNKNOWN"), "dev-hub is UNKNOWN"),
        (Drift("NOT_CHECKED"), "dev-hub is NOT_CHECKED"),
        (Drift("IN_SYNC", "DETECTION_FAILED"), "dev-hub could not be checked: access denied"),
        (Drift("IN_SYNC", "DETECTION_IN_PROGRESS"), "could not be checked: DETECTION_IN_PROGRESS"),
    ],
)
def test_drift_is_passed_only_where_it_is_known_that_there_is_none(
    sides: tuple[EnvironmentAccess, EnvironmentAccess], client: Drift, said: str | None
):
    aws = sides[0].aws
    assert aws
    stub(aws, cloudformation=client)
    ok, detail = gates.drift_of_stacks(aws, longest=0)
    assert ok is (said is None)
    assert (said or "stacks are as they were deployed") in detail


class Scans:
    def __init__(self, counts: dict[str, int] | None, status: str = "COMPLETE") -> None:
        self._answer = {
            "imageScanStatus": {"status": status},
            "imageScanFindings": {"findingSeverityCounts": counts or {}},
        }
        self._missing = counts is None

    def describe_image_scan_findings(self, **_: Any) -> dict[str, Any]:
        if self._missing:
            error = {"Error": {"Code": "ScanNotFoundException", "Message": "no scan"}}
            raise ClientError(error, "DescribeImageScanFindings")
        return self._answer


@pytest.mark.parametrize(
    ("scans", "limit", "said"),
    [
        (Scans({}), "high", ""),
        (Scans({"MEDIUM": 3, "INFORMATIONAL": 9}), "high", ""),
        (Scans({"MEDIUM": 3}), "medium", "3 medium"),
        (Scans({"CRITICAL": 1, "HIGH": 2}), "high", "2 high, 1 critical"),
        (Scans({"HIGH": 2}), "critical", ""),
        (Scans({}, "ACTIVE"), "high", ""),
        (Scans({}, "IN_PROGRESS"), "high", "the scan of sha256:aaaaaaaaaaaa is IN_PROGRESS"),
        (Scans({}, "UNSUPPORTED_IMAGE"), "high", "is UNSUPPORTED_IMAGE"),
        (Scans({}, "FAILED"), "high", "is FAILED"),
        (Scans(None), "high", "was never scanned"),
    ],
)
def test_a_scan_is_passed_below_the_limit_of_the_target(
    project: Project,
    sides: tuple[EnvironmentAccess, EnvironmentAccess],
    monkeypatch: pytest.MonkeyPatch,
    scans: Scans,
    limit: str,
    said: str,
):
    source, target = sides
    assert source.aws
    stub(source.aws, ecr=scans)
    monkeypatch.setattr(gates, "_scannable", lambda _registry, _reference: [DIGEST])
    spec: Any = target.environment.spec
    strict = spec.model_copy(update={"gates": spec.gates.model_copy(update={"findings": limit})})
    target = replace(target, environment=replace(target.environment, spec=strict))
    ok, detail = gates.scan(source, target)
    assert ok is (not said)
    assert said in detail


def test_aws_that_does_not_answer_is_not_passed_and_all_others_are_asked(
    project: Project, sides: tuple[EnvironmentAccess, EnvironmentAccess]
):
    class Silent:
        def __getattr__(self, name: str) -> Any:
            error = {"Error": {"Code": "AccessDenied", "Message": "you may not"}}

            def refuse(**_: Any) -> None:
                raise ClientError(error, name)

            return refuse

    assert sides[0].aws
    stub(sides[0].aws, **dict.fromkeys(("cloudformation", "ecr", "s3"), Silent()))
    found = gates.evaluate(*sides, {"drift": "the account is new"})
    assert [gate.name for gate in found] == ["release", "smoke", "drift", "scan", "signature"]
    assert [gate.lets_pass for gate in found] == [False, False, True, False, True]
    assert all("cannot be found out" in gate.detail for gate in found[:3])


def test_credentials_of_another_account_take_the_role_made_for_them(
    project: Project, monkeypatch: pytest.MonkeyPatch
):
    asked: list[str] = []
    prod = project.environment("prod")

    real = boto3.Session.client

    def taken(self: boto3.Session, service: Any, **options: Any) -> Any:
        client: Any = real(self, service, **options)
        if service != "sts":
            return client
        assume = client.assume_role

        def remember(**options: Any) -> Any:
            asked.append(options["RoleArn"])
            return assume(**options)

        client.assume_role = remember
        return client

    monkeypatch.setattr(boto3.Session, "client", taken)
    account_access(prod)
    account_access(project.environment("dev"))
    assert asked == ["arn:aws:iam::444455556666:role/slipway-prod-promotion"]
