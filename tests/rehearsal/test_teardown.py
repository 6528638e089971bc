"""`slipway teardown` on an emulated AWS, killed wherever it can be."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slipway import facts
from slipway.aws import cloudformation
from slipway.rehearse import environments, sandbox
from slipway.rehearse.rehearsal import Rehearsal, rehearsal

ROOT = Path(__file__).parents[2]
SLIPWAY = Path(sys.executable).with_name("slipway")
STEPS = 10


@pytest.fixture(scope="module")
def deployed() -> Iterator[Rehearsal]:
    with sandbox.without_credentials(), rehearsal(ROOT, lambda line: None) as on:
        environments.bootstrap(on, on.first)
        environments.publish(on, on.first)
        environments.deploy(on, on.first)
        yield on


def command(on: Rehearsal, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [str(SLIPWAY), *arguments, "--project", str(on.project.folder)],
        env=dict(on.first.variables),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(on: Rehearsal, *arguments: str, typed: str = "") -> tuple[int, dict[str, Any]]:
    process = command(on, *arguments, "--json")
    out, err = process.communicate(typed, timeout=300)
    assert out, err
    report: dict[str, Any] = json.loads(out)
    report.pop("steps", None)
    return process.returncode, report


def killed_after(on: Rehearsal, steps: int) -> bool:
    """Start a teardown and kill it in the middle of what follows `steps` steps."""
    process = command(on, "teardown", "dev", "--yes")
    assert process.stderr
    seen = 0
    for line in process.stderr:
        assert "FAILED" not in line, line
        seen += line.startswith("ok")
        if seen == steps:
            process.kill()
            break
    process.communicate()
    return process.returncode == -9


def test_a_dry_run_says_what_would_go_and_takes_nothing(deployed: Rehearsal) -> None:
    code, report = finished(deployed, "teardown", "dev", "--dry-run")
    assert code == 0
    said = "\n".join(report["plan"])
    for words in ("delete the stack dev-cluster", "remove load balancer", "keep homes fs-"):
        assert words in said
    assert "delete the stack dev-data" not in said
    assert deployed.first.client("eks").list_clusters()["clusters"] == ["slipway-dev"]


def test_killed_at_every_step_it_ends_in_the_same_report(deployed: Rehearsal) -> None:
    kills = [killed_after(deployed, steps) for steps in range(1, STEPS)]
    assert sum(kills) >= STEPS - 3, "some were over before they could be killed"
    code, report = finished(deployed, "teardown", "dev", "--yes")
    assert (code, report["ok"], report["leftovers"]) == (0, True, [])
    assert report["gone"] == ["dev-observability", "dev-hub", "dev-cluster"]
    assert any(what.startswith("homes fs-") for what in report["kept"])
    assert "4 secrets" in report["kept"]
    assert finished(deployed, "teardown", "dev", "--yes") == (code, report)


def test_the_hubs_users_are_in_the_snapshot_that_a_killed_teardown_took(
    deployed: Rehearsal,
) -> None:
    from slipway.aws import retained_data

    assert retained_data.data(deployed.first).users == 3


def test_what_a_controller_forgot_is_removed(deployed: Rehearsal) -> None:
    ec2 = deployed.first.client("ec2")
    ec2.create_volume(
        AvailabilityZone="eu-central-1a",
        Size=1,
        TagSpecifications=[
            {"ResourceType": "volume", "Tags": [{"Key": facts.CLUSTER_TAG, "Value": "slipway-dev"}]}
        ],
    )
    code, report = finished(deployed, "teardown", "dev", "--yes")
    assert (code, report["leftovers"]) == (0, [])
    assert not ec2.describe_volumes()["Volumes"]


def test_what_nobody_tagged_is_found_by_its_vpc_and_fails_the_teardown(
    deployed: Rehearsal,
) -> None:
    ec2 = deployed.first.client("ec2")
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "tag:slipway:environment", "Values": ["dev"]}])[
        "Vpcs"
    ]
    group = ec2.create_security_group(
        GroupName="k8s-forgotten", Description="of a controller", VpcId=vpc["VpcId"]
    )["GroupId"]
    code, report = finished(deployed, "teardown", "dev", "--yes")
    assert (code, report["leftovers"]) == (1, [f"security group {group}"])
    ec2.delete_security_group(GroupId=group)


def test_credentials_of_another_account_are_refused_at_the_line(deployed: Rehearsal) -> None:
    process = subprocess.run(
        [str(SLIPWAY), "teardown", "dev", "--yes", "--project", str(deployed.project.folder)],
        env={**deployed.first.variables, "AWS_ACCESS_KEY_ID": "444455556666"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 1
    assert "environments/dev.yaml" in process.stderr
    assert "is 111122223333, these credentials are for 444455556666" in process.stderr
    assert "Traceback" not in process.stderr


def test_a_purge_asks_for_the_environments_name_even_with_yes(deployed: Rehearsal) -> None:
    process = command(deployed, "teardown", "dev", "--purge", "--yes")
    process.communicate("prod\n", timeout=60)
    assert process.returncode == 1
    assert cloudformation.status(deployed.first, "data")


def test_a_purge_takes_users_files_and_all_else(deployed: Rehearsal) -> None:
    aws = deployed.first
    code, report = finished(deployed, "teardown", "dev", "--purge", typed="dev\n")
    assert (report["leftovers"], report["kept"], code) == ([], [], 0)
    assert {"dev-data", "dev-network", "dev-registry", "dev-pipeline"} <= set(report["gone"])
    assert not aws.client("efs").describe_file_systems()["FileSystems"]
    repositories = aws.client("ecr").describe_repositories()["repositories"]
    assert not [one for one in repositories if one["repositoryName"].startswith("slipway/")]
    tagged = [{"Name": "tag:slipway:environment", "Values": ["dev"]}]
    assert not aws.client("ec2").describe_vpcs(Filters=tagged)["Vpcs"]
