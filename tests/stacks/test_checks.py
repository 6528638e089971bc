"""What holds for every template."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stacks.conftest import ROOT, Assembly, Resources, listed

CDK_S_OWN = ("W3005", "W3010")
"""A dependency that is there twice, and zones named: CDK and we mean it."""
NAG = """
import json, sys
from pathlib import Path
from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks
from slipway.model import load
from stacks.environment_stage import EnvironmentStage

root, out = Path(sys.argv[1]), sys.argv[2]
app = App(outdir=out, context=json.loads((root / "cdk.json").read_text())["context"])
Validations.of(app).add_plugins(AwsSolutionsChecks(app))
for environment in load(root).environments():
    if environment.spec.target == "eks":
        EnvironmentStage(app, environment.name, environment=environment)
app.synth()
"""


def test_cdk_nag_finds_nothing_that_is_not_acknowledged(tmp_path: Path) -> None:
    """In a process of its own: the library's validator is read once."""
    done = subprocess.run(
        [sys.executable, "-c", NAG, str(ROOT), str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "CDK_VALIDATION": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    report = json.loads((tmp_path / "validation-report.json").read_text())
    (nag,) = (p for p in report["pluginReports"] if p["pluginName"] == "AwsSolutions")
    found = {
        (violation["ruleName"], where["constructPath"])
        for violation in nag["violations"]
        for where in violation["violatingConstructs"]
    }
    assert not found, done.stderr[-2000:]


def test_cfn_lint_finds_nothing(assembly: Assembly, tmp_path: Path) -> None:
    spec: Any = assembly.environment.spec
    for name, template in assembly.templates.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(template))
    done = subprocess.run(
        [
            *(str(Path(sys.executable).with_name("cfn-lint")), "-r", spec.region),
            *("-i", *CDK_S_OWN, "--", *map(str, sorted(tmp_path.glob("*.json")))),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def statements(resources: Resources) -> Iterator[dict[str, Any]]:
    def walk(value: Any) -> Iterator[dict[str, Any]]:
        if isinstance(value, dict):
            if "Effect" in value and ("Action" in value or "NotAction" in value):
                yield value
            for inner in value.values():
                yield from walk(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from walk(inner)

    yield from walk(resources)


def test_no_policy_allows_everything_on_everything(assembly: Assembly) -> None:
    seen = 0
    for stack in assembly.templates:
        for statement in statements(assembly.resources(stack)):
            seen += 1
            actions = listed(statement.get("Action", "*"))
            everything = "*" in actions and statement.get("Resource") == "*"
            assert statement["Effect"] == "Deny" or not everything, statement
    assert seen > 20


def test_a_wildcard_in_actions_is_for_the_key_that_a_key_policy_is_about(
    assembly: Assembly,
) -> None:
    for stack in assembly.templates:
        for statement in statements(assembly.resources(stack)):
            wide = [action for action in listed(statement["Action"]) if "*" in action]
            assert statement["Effect"] == "Deny" or all(a.startswith("kms:") for a in wide)


@pytest.mark.parametrize("word", ["SecretString", "SecretAccessKey", "{{resolve:", "BEGIN "])
def test_no_template_holds_a_secret(assembly: Assembly, word: str) -> None:
    assert f'"{word}"' not in json.dumps(assembly.templates)
    assert word == "SecretString" or word not in json.dumps(assembly.templates)


def test_templates_are_far_below_what_cloudformation_takes(assembly: Assembly) -> None:
    """1 MB and 500 resources: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""
    for stack, template in assembly.templates.items():
        size, count = len(json.dumps(template, indent=1)), len(template["Resources"])
        assert size < 1_000_000 / 8, f"{stack} is {size} bytes"
        assert count < 500 / 4, f"{stack} has {count} resources"
