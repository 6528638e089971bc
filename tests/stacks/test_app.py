"""`app.py` as the CDK CLI starts it, and what depends on the configuration."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from slipway.model import load
from slipway.model.eks import Network
from tests.stacks.conftest import CDK, ROOT, cdk_context, synthesize


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "environments", tmp_path / "environments")
    for name in ("app.py", "catalog.yaml", "cdk.json"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def run_app(project: Path, **context: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "app.py"],
        cwd=project,
        env={
            **os.environ,
            "CDK_OUTDIR": str(project / "cdk.out"),
            "CDK_CONTEXT_JSON": json.dumps(cdk_context() | context),
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_problems_in_the_files_are_listed_without_a_traceback(project: Path) -> None:
    catalog = (ROOT / "catalog.yaml").read_text()
    broken = catalog.replace("default_profile: vscode", "default_profile: vscod")
    (project / "catalog.yaml").write_text(broken)
    line = broken.splitlines().index("default_profile: vscod") + 1
    done = run_app(project)
    assert done.returncode == 2
    assert f"catalog.yaml:{line}:" in done.stderr
    assert "did you mean 'vscode'?" in done.stderr
    assert "Traceback" not in done.stderr


def test_only_the_environment_of_the_context_is_built_and_read(project: Path) -> None:
    (project / "environments/prod.yaml").write_text("target: eks\n")
    done = run_app(project, env="dev")
    assert done.returncode == 0, done.stderr
    assert [folder.name for folder in (project / "cdk.out").glob("assembly-*")] == ["assembly-dev"]
    unknown = run_app(project, env="stage")
    assert unknown.returncode == 2
    assert "there is no environment 'stage', there is dev" in unknown.stderr
    assert "Traceback" not in unknown.stderr


def test_app_py_is_a_plan_that_fits_on_a_screen() -> None:
    assert len((ROOT / "app.py").read_text().splitlines()) <= 20


def test_an_environment_without_a_way_out_reaches_aws_through_endpoints(tmp_path: Path) -> None:
    environment = load(ROOT).environment("dev")
    spec = environment.eks_spec.model_copy(update={"network": Network(nat="none")})
    network = synthesize(replace(environment, spec=spec), tmp_path).template("network")
    network.resource_count_is("AWS::EC2::NatGateway", 0)
    services = [
        str(endpoint["Properties"]["ServiceName"])
        for endpoint in network.find_resources("AWS::EC2::VPCEndpoint").values()
    ]
    for needed in ("eks-auth", "ecr.dkr", "sts", "lambda", "s3"):
        assert any(needed in service for service in services), needed


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
