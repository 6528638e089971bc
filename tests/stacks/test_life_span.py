"""What survives a teardown, what does not, and that the first never depends on the second."""

import json
from typing import Any

import pytest

from tests.stacks.conftest import DISPOSABLE, LONG_LIVED, Assembly, cdk


def test_every_environment_on_aws_is_a_stage_of_seven_stacks() -> None:
    listed = [line.split()[0] for line in cdk("ls").splitlines() if "/" in line]
    assert sorted(listed) == sorted(
        f"{stage}/{stack}" for stage in ("dev", "prod") for stack in (*LONG_LIVED, *DISPOSABLE)
    )


def test_stacks_go_to_the_account_and_region_of_the_environment(assembly: Assembly) -> None:
    spec: Any = assembly.environment.spec
    places = {entry["environment"] for entry in assembly.stacks.values()}
    assert places == {f"aws://{spec.account}/{spec.region}"}


@pytest.mark.parametrize("stack", LONG_LIVED)
def test_a_long_lived_stack_is_protected_and_keeps_all_it_has(
    assembly: Assembly, stack: str
) -> None:
    assert assembly.stacks[stack]["properties"]["terminationProtection"] is True
    resources = assembly.resources(stack)
    assert resources
    for resource in resources.values():
        # What a failed first deploy made goes again: its name would be in the next one's way.
        assert resource["DeletionPolicy"] == "RetainExceptOnCreate", resource["Type"]
        assert resource["UpdateReplacePolicy"] == "Retain", resource["Type"]


@pytest.mark.parametrize("stack", DISPOSABLE)
def test_a_disposable_stack_can_be_destroyed_and_leaves_nothing(
    assembly: Assembly, stack: str
) -> None:
    assert not assembly.stacks[stack]["properties"].get("terminationProtection")
    for resource in assembly.resources(stack).values():
        assert resource.get("DeletionPolicy", "Delete") == "Delete", resource["Type"]


def test_no_long_lived_stack_needs_a_disposable_one(assembly: Assembly) -> None:
    name = assembly.environment.name
    for stack in LONG_LIVED:
        text = json.dumps(assembly.templates[stack])
        for other in DISPOSABLE:
            assert f"{name}-{other}:" not in text


def test_everything_says_which_environment_and_release_it_belongs_to(assembly: Assembly) -> None:
    expected = {
        "slipway:environment": assembly.environment.name,
        "slipway:release": assembly.environment.release_name,
    }
    tagged = 0
    for stack in assembly.templates:
        for resource in assembly.resources(stack).values():
            tags = resource.get("Properties", {}).get("Tags")
            if isinstance(tags, list):
                assert expected.items() <= {t["Key"]: t["Value"] for t in tags}.items()
                tagged += 1
    assert tagged > 20
