"""The genuine CDK CLI with no credentials, and with a network that leads nowhere."""

import os
import subprocess
from pathlib import Path

import pytest

from slipway import facts
from tests.stacks.conftest import CDK, ROOT, Assembly, read_assembly

NOBODY = "http://127.0.0.1:9"


def cdk(home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(CDK), *arguments, "--no-notices"],
        cwd=ROOT,
        env={
            "PATH": os.pathsep.join((str(CDK.parent), os.defpath)),
            "HOME": str(home),
            "AWS_EC2_METADATA_DISABLED": "true",
            **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), NOBODY),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_every_environment_on_aws_is_a_stage_of_all_stacks(tmp_path: Path) -> None:
    done = cdk(tmp_path, "list", "--output", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        f"{name}/{stack}" for name in ("dev", "prod") for stack in facts.STACKS
    ]


@pytest.fixture(scope="module")
def synthesized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("offline")
    out = str(home / "out")
    done = cdk(home, "synth", "dev/*", "--quiet", "-c", "env=dev", "--output", out)
    assert done.returncode == 0, done.stderr
    return home


def test_the_cli_gets_the_templates_that_the_other_tests_look_at(
    synthesized: Path, dev: Assembly
) -> None:
    by_cli = read_assembly(synthesized / "out/assembly-dev", dev.environment)
    assert set(by_cli.templates) == set(facts.STACKS)
    for stack, template in by_cli.templates.items():
        assert template == dev.templates[stack], stack


def test_a_stack_is_compared_with_an_earlier_template(synthesized: Path) -> None:
    """`--exclusively`: a template stands for one stack, and its neighbours would come too."""
    latest = next((synthesized / "out/assembly-dev").glob("devhub*.template.json"))
    earlier = synthesized / "earlier.json"
    earlier.write_text(latest.read_text().replace("Where users find the hub", "Elsewhere"))
    done = cdk(
        synthesized,
        *("diff", "dev/hub", "--app", str(synthesized / "out"), "--exclusively", "--fail"),
        *("--template", str(earlier)),
    )
    printed = done.stdout + done.stderr
    assert done.returncode == 1, printed
    assert "Elsewhere" in printed
    assert "AWS::" not in printed, "nothing but the output differs"


def test_without_a_template_it_says_that_it_needs_the_account(synthesized: Path) -> None:
    done = cdk(synthesized, "diff", "dev/registry", "--app", str(synthesized / "out"))
    assert done.returncode == 1
    assert "no credentials have been configured" in done.stderr
