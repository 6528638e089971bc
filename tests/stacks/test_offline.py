"""The genuine CDK CLI with no credentials and no network."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.stacks.conftest import CDK, ROOT

NOBODY = "http://127.0.0.1:9"


def cdk(home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(CDK), *arguments, "-c", "env=dev", "--no-notices"],
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
        check=False,
    )


def test_stacks_are_listed(tmp_path: Path) -> None:
    done = cdk(tmp_path, "list", "--output", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        f"dev/{short}"
        for short in ("registry", "network", "data", "pipeline", "cluster", "hub", "observability")
    ]


@pytest.fixture(scope="module")
def synthesized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("offline")
    done = cdk(home, "synth", "dev/*", "--quiet", "--output", str(home / "out"))
    assert done.returncode == 0, done.stderr
    return home


def test_templates_are_synthesized(synthesized: Path) -> None:
    assert len(list((synthesized / "out/assembly-dev").glob("*.template.json"))) == 7


def test_a_stack_is_compared_with_an_earlier_template(synthesized: Path) -> None:
    earlier = next((synthesized / "out/assembly-dev").glob("devhub*.template.json"))
    same = diff(synthesized, earlier)
    assert same.returncode == 0, same.stderr
    assert "There were no differences" in same.stdout + same.stderr
    changed = synthesized / "changed.json"
    changed.write_text(earlier.read_text().replace("Where users find the hub", "Elsewhere"))
    found = diff(synthesized, changed)
    assert found.returncode == 1
    assert "Elsewhere" in found.stdout + found.stderr


def diff(home: Path, template: Path) -> "subprocess.CompletedProcess[str]":
    """`--exclusively`: a template stands for one stack; CDK would compare its neighbours."""
    out = ("--output", str(home / "again"))
    return cdk(
        home, "diff", "dev/hub", "--exclusively", "--fail", "--template", str(template), *out
    )


def test_without_a_template_it_says_that_it_needs_the_account(tmp_path: Path) -> None:
    done = cdk(tmp_path, "diff", "dev/registry", "--output", str(tmp_path / "out"))
    assert done.returncode == 1
    assert "no credentials have been configured" in done.stderr
