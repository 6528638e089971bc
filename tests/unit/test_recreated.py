"""What `slipway recreate` shows at its end: nothing is missing, and it works."""

import os
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from botocore.stub import Stubber

from slipway import facts
from slipway.aws import cloudformation
from slipway.aws.account import AwsAccount
from slipway.aws.retained_data import Data, RecoveryPoint, _recovery_points
from slipway.model import load
from slipway.operate import recreate
from slipway.steps import StepError
from tests.stacks.conftest import ROOT

NOW = datetime(2026, 7, 1, tzinfo=UTC)
POINTS = frozenset(
    [
        RecoveryPoint("for-ever"),
        RecoveryPoint("a-month", NOW + timedelta(days=30)),
        RecoveryPoint("ended", NOW - timedelta(minutes=1)),
    ]
)
BEFORE = Data("fs-1", POINTS, snapshots=2, users=3)


def later(**changes: Any) -> Data:
    return Data(**{**vars(BEFORE), **changes})


def test_all_is_there_and_there_may_be_more() -> None:
    more = later(recovery_points=POINTS | {RecoveryPoint("new")}, snapshots=3, users=4)
    assert BEFORE.is_kept_in(more, NOW)


def test_a_recovery_point_that_has_served_its_time_is_no_loss() -> None:
    left = frozenset(one for one in POINTS if one.arn != "ended")
    assert BEFORE.is_kept_in(later(recovery_points=left), NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"recovery_points": frozenset(one for one in POINTS if one.arn != "a-month")},
        {"recovery_points": frozenset(one for one in POINTS if one.arn != "for-ever")},
        {"recovery_points": frozenset(map(RecoveryPoint, ("x", "y", "z")))},
        {"file_system": "fs-2"},
        {"snapshots": 1},
        {"users": 2},
        {"users": None},
    ],
)
def test_whatever_else_is_missing_is_a_loss(changes: dict[str, Any]) -> None:
    assert not BEFORE.is_kept_in(later(**changes), NOW)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> AwsAccount:
    """Of an environment without a domain, and nobody's credentials."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    environment = load(ROOT).environment("dev")
    spec = environment.spec.model_copy(update={"domain": None, "hosted_zone": None})
    return AwsAccount(type(environment)(**{**vars(environment), "spec": spec}))


def test_recovery_points_are_read_with_their_end(
    aws: AwsAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cloudformation, "physical_ids", lambda aws, short, type: ["vault"])
    answer = {
        "RecoveryPoints": [
            {"RecoveryPointArn": "arn:1", "CalculatedLifecycle": {"DeleteAt": NOW}},
            {"RecoveryPointArn": "arn:2"},
        ]
    }
    with Stubber(aws.client("backup")) as stub:
        stub.add_response("list_recovery_points_by_backup_vault", answer)
        found = list(_recovery_points(aws))
    assert found == [RecoveryPoint("arn:1", NOW), RecoveryPoint("arn:2")]


class Healthy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/hub/health" else 404)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Healthy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def at(aws: AwsAccount, url: str) -> Stubber:
    stack = {
        "StackName": "dev-hub",
        "CreationTime": NOW,
        "StackStatus": "CREATE_COMPLETE",
        "Outputs": [{"OutputKey": "Url", "OutputValue": url}],
    }
    stub = Stubber(aws.client("cloudformation"))
    stub.add_response("describe_stacks", {"Stacks": [stack]})
    return stub


def test_a_hub_that_nobody_reaches_from_here_is_not_tried(aws: AwsAccount, tmp_path: Path) -> None:
    with at(aws, "http://127.0.0.1:9"):
        said = recreate.smoke(aws, tmp_path)
    assert said.startswith("not tried: http://127.0.0.1:9 cannot be reached from here")
    assert "`slipway smoke dev`" in said


def test_a_hub_that_answers_is_tried_by_slipway_smoke(
    aws: AwsAccount, hub: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which here finds that it may not ask for its token."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with at(aws, hub):
        said = recreate.smoke(aws, ROOT)
    assert said.startswith("not tried: AWS")


def test_an_emulated_hub_is_not_tried(aws: AwsAccount, tmp_path: Path) -> None:
    emulated = {**os.environ, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    assert "emulator" in recreate.smoke(AwsAccount(aws.environment, emulated), tmp_path)


def test_what_is_red_fails_the_recreation_by_its_name() -> None:
    green = {"name": "route /code", "verdict": "passed"}
    red = {"name": "denied: metadata", "verdict": "not enforced"}
    with pytest.raises(StepError, match="red: denied: metadata"):
        recreate._result({"ok": False, "release": "1.0.0", "checks": [green, red]})
    fine = {"ok": True, "release": "1.0.0", "checks": [green]}
    assert recreate._result(fine) == "1 checks passed"


@pytest.mark.parametrize(("missing", "said"), [("pipeline", "6 stacks"), ("", "7 stacks")])
def test_the_stacks_that_there_are_after_the_deploy_are_counted(
    aws: AwsAccount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str, said: str
) -> None:
    """There is a pipeline only in an environment with `github`."""

    def deployed(command: list[str], **_: Any) -> "subprocess.CompletedProcess[str]":
        assert command[1:3] == ["deploy", "dev/*"]
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", deployed)
    there = {aws.stack(stack) for stack in facts.STACKS if stack != missing}
    monkeypatch.setattr(
        cloudformation,
        "status",
        lambda aws, stack: "CREATE_COMPLETE" if aws.stack(stack) in there else None,
    )
    assert recreate._deploy(aws, tmp_path) == said
