"""What `cdk deploy` refuses before CloudFormation starts, against moto's AWS."""

import os
import subprocess
from collections.abc import Collection, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs

import boto3
import pytest
from aws_cdk import App, Stack, Stage
from aws_cdk.assertions import Annotations, Match
from moto import mock_aws
from moto.route53 import models as route53

from slipway import facts
from slipway.model import Environment, Problem, load
from slipway.operate import before_deploy
from stacks.constructs.account_checks import check_account
from tests.stacks.conftest import CDK, ROOT

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
    monkeypatch.setenv("CDK_DEFAULT_ACCOUNT", OWN)
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


def problems(root: Path) -> dict[str, list[str]]:
    """By the stack whose deploy would fail."""
    environment = load(root).environment("dev")
    found: dict[str, list[str]] = {}
    for stack, problem in before_deploy.problems(root, environment, facts.STACKS):
        found.setdefault(stack, []).append(str(problem))
    return found


def edit(root: Path, old: str, new: str) -> None:
    file = root / "environments/dev.yaml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


def line(root: Path, start: str) -> int:
    lines = (root / "environments/dev.yaml").read_text().splitlines()
    return next(n for n, text in enumerate(lines, 1) if text.startswith(start))


def test_a_complete_environment_is_deployed_without_a_message(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert problems(project) == {}
    assert capsys.readouterr().err == ""


def test_a_zone_that_does_not_exist_is_refused_at_its_line(project: Path) -> None:
    edit(project, "eu-central-1b]", "eu-central-1x]")
    ((stack, (found,)),) = problems(project).items()
    assert stack == "network"
    assert found.startswith(f"environments/dev.yaml:{line(project, 'zones')}:")
    assert "eu-central-1x not there, choose among eu-central-1a" in found


def test_a_domain_without_its_zone_is_refused_at_its_line(project: Path) -> None:
    edit(project, ZONE, "Z0000000000000")
    ((stack, (found,)),) = problems(project).items()
    assert stack == "hub", "the others are deployed without it"
    assert found.startswith(f"environments/dev.yaml:{line(project, 'hosted_zone')}:")
    assert "Z0000000000000 is not in this account" in found


def test_an_image_that_is_not_in_the_registry_is_refused(project: Path) -> None:
    boto3.client("ecr", REGION).delete_repository(repositoryName="slipway/proxy", force=True)
    ((stack, (found,)),) = problems(project).items()
    assert stack == "hub", "the registry itself must be deployed before"
    assert "image proxy: the tag working-tree is not in the registry" in found
    assert "slipway build --push dev" in found


def test_another_account_is_entered_through_its_bootstrap(project: Path) -> None:
    """As the CDK CLI does: credentials of one account may deploy to another that trusts it."""
    edit(project, OWN, "111122223333")
    found = problems(project)
    assert found, "nothing is there"
    assert "your credentials" not in str(found)


def test_another_account_that_does_not_trust_these_credentials_is_refused(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_role_is_lent(monkeypatch)
    assert problems(project) == {}, "the account's own credentials do"
    edit(project, OWN, "111122223333")
    refused = problems(project)
    assert set(refused) == {"registry", "network"}, "those that every deploy begins with"
    (found,) = refused["registry"]
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


def test_what_may_not_be_read_is_a_message_and_no_problem(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert problems(project) == {}
    assert "dev is not checked against its account" in capsys.readouterr().err


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
    assert problems(project) == {}
    assert "would ask for its code twice" in capsys.readouterr().err


def test_credentials_that_the_cli_does_not_use_check_nothing(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As with `cdk --profile`, of which the CLI tells an app only the account."""
    edit(project, "eu-central-1b]", "eu-central-1x]")
    monkeypatch.setenv("CDK_DEFAULT_ACCOUNT", "111122223333")
    assert problems(project) == {}
    assert "set AWS_PROFILE in place of --profile" in capsys.readouterr().err


class Aws(BaseHTTPRequestHandler):
    """Says whose the credentials are, and allows nothing else."""

    actions: list[str] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        action = parse_qs(body).get("Action", [body])[0]
        self.actions.append(action)
        allowed = action == "GetCallerIdentity"
        self.send_response(200 if allowed else 403)
        self.end_headers()
        answer = IDENTITY if allowed else REFUSAL
        self.wfile.write(answer.encode())

    def log_message(self, *_: object) -> None:
        pass


IDENTITY = f"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<GetCallerIdentityResult><Arn>arn:aws:iam::{OWN}:user/me</Arn><UserId>me</UserId>
<Account>{OWN}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"""
REFUSAL = """<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"""


@pytest.fixture
def aws_url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Aws)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def cdk(aws_url: str, home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """The CDK CLI, logged in to an account that is not dev's."""
    ours = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "CDK_"))}
    return subprocess.run(
        [str(CDK), *arguments, "-c", "env=dev", "--no-notices", "--output", str(home / "out")],
        cwd=ROOT,
        env={
            **ours,
            "HOME": str(home),
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_ENDPOINT_URL": aws_url,
            "AWS_EC2_METADATA_DISABLED": "true",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.slow
def test_a_deploy_is_refused_before_cloudformation_starts(aws_url: str, tmp_path: Path) -> None:
    Aws.actions.clear()
    done = cdk(aws_url, tmp_path, "deploy", "dev/*", "--require-approval", "never")
    assert done.returncode == 1
    printed = done.stdout + done.stderr
    assert f"environments/dev.yaml:{line(ROOT, 'account')}:" in printed
    assert f"your credentials are for {OWN}" in printed
    assert "Traceback" not in printed
    assert set(Aws.actions) <= {"GetCallerIdentity", "AssumeRole"}
    # It would stay there, and refuse the next deploy.
    assert not (tmp_path / "out/validation-report.json").exists()


@pytest.mark.parametrize(
    ("for_assets", "asked"),
    [
        pytest.param([], None, id="cdk list"),
        pytest.param(["dev/hub"], {"hub"}, id="cdk deploy --exclusively dev/hub"),
        pytest.param(["**"], set(facts.STACKS), id="cdk deploy"),
    ],
)
def test_only_stacks_whose_assets_the_cli_wants_are_checked(
    monkeypatch: pytest.MonkeyPatch, for_assets: list[str], asked: set[str] | None
) -> None:
    """As the CLI hands them to an app: none for `list` and `destroy`."""
    stage, environment = empty_stage({"aws:cdk:bundling-stacks": for_assets})
    calls: list[set[str]] = []

    def problems(
        root: Path, environment: Environment, stacks: Collection[str]
    ) -> Iterator[tuple[str, Problem]]:
        calls.append(set(stacks))
        yield "hub", Problem("environments/dev.yaml", 1, 1, "zones", "are wrong", "mend them")

    monkeypatch.setattr(before_deploy, "problems", problems)
    check_account(stage, environment, ROOT)
    assert calls == [], "without credentials"
    monkeypatch.setenv("CDK_DEFAULT_ACCOUNT", OWN)
    check_account(stage, environment, ROOT)
    assert calls == ([] if asked is None else [asked])
    errors = Annotations.from_stack(hub_of(stage)).find_error("*", Match.any_value())
    assert [error.entry.data for error in errors] == (
        [] if asked is None else ["environments/dev.yaml:1:1: zones: are wrong, mend them"]
    )


def empty_stage(context: dict[str, object]) -> tuple[Stage, Environment]:
    stage = Stage(App(context=context), "dev")
    for name in facts.STACKS:
        Stack(stage, name)
    return stage, load(ROOT).environment("dev")


def hub_of(stage: Stage) -> Stack:
    hub = stage.node.find_child(facts.HUB_STACK)
    assert isinstance(hub, Stack)
    return hub
