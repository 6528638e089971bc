"""`app.py` as the CDK CLI runs it."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from aws_cdk import App
from aws_cdk.assertions import Template

from slipway.model import load
from slipway.model.eks import Network
from stacks.environment_stage import EnvironmentStage
from tests.stacks.conftest import CDK, ROOT


def test_problems_in_the_files_are_listed_without_a_traceback(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "environments", tmp_path / "environments")
    shutil.copy(ROOT / "app.py", tmp_path)
    catalog = (ROOT / "catalog.yaml").read_text()
    broken = catalog.replace("default_profile: vscode", "default_profile: vscod")
    (tmp_path / "catalog.yaml").write_text(broken)
    line = broken.splitlines().index("default_profile: vscod") + 1
    done = subprocess.run(
        [sys.executable, "app.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert f"catalog.yaml:{line}:" in done.stderr
    assert "did you mean 'vscode'?" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_environment_without_a_way_out_reaches_aws_through_endpoints() -> None:
    environment = load(ROOT).environment("dev")
    spec = environment.eks_spec.model_copy(update={"network": Network(nat="none")})
    stage = EnvironmentStage(App(), "dev", environment=replace(environment, spec=spec))
    network = Template.from_json(stage.synth().get_stack_by_name("dev-network").template)
    network.resource_count_is("AWS::EC2::NatGateway", 0)
    services = [
        str(endpoint["Properties"]["ServiceName"])
        for endpoint in network.find_resources("AWS::EC2::VPCEndpoint").values()
    ]
    for needed in ("eks-auth", "ecr.dkr", "sts", "lambda", "s3"):
        assert any(needed in service for service in services), needed


def test_only_the_environment_that_is_asked_for_is_built_and_read(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "environments", tmp_path / "environments")
    for name in ("app.py", "catalog.yaml", "cdk.json"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "environments/prod.yaml").write_text("target: eks\n")
    listed = subprocess.run(
        [str(CDK), "list", "-c", "env=dev"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert listed.returncode == 0, listed.stderr
    assert {line.partition("/")[0] for line in listed.stdout.split("\n") if "/" in line} == {"dev"}
    unknown = subprocess.run(
        [str(CDK), "list", "-c", "env=stage"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert unknown.returncode != 0
    assert "there is no environment 'stage', there is dev" in unknown.stderr
    assert "Traceback" not in unknown.stderr


def test_no_feature_flag_is_left_to_a_default_that_changes() -> None:
    """docs/decisions/0008-feature-flags.md"""
    done = subprocess.run(
        [str(CDK), "flags", "--unstable=flags", "--all", "-c", "env=dev"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    printed = done.stdout + done.stderr
    flags = [line for line in printed.splitlines() if "@aws-cdk/" in line]
    assert len(flags) > 50, printed
    assert not [line for line in flags if "<unset>" in line]
