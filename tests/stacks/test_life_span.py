"""What survives a teardown, what does not, and that the first never depends on the second."""

import json

import pytest

from slipway.facts import DISPOSABLE_STACKS, LONG_LIVED_STACKS, STACKS
from tests.stacks.conftest import Assembly


def test_the_stacks_are_those_that_every_command_knows(assembly: Assembly) -> None:
    assert set(assembly.stacks) == set(STACKS)


def test_stacks_are_deployed_in_their_order(assembly: Assembly) -> None:
    """Each needs only what comes before it, so that a teardown can go the other way."""
    for number, stack in enumerate(STACKS):
        assert assembly.dependencies(stack) <= set(STACKS[:number]), stack
    assert {"cluster", "data"} <= assembly.dependencies("hub")


def test_stacks_go_to_the_account_and_region_of_the_environment(assembly: Assembly) -> None:
    spec = assembly.environment.eks_spec
    places = {entry["environment"] for entry in assembly.stacks.values()}
    assert places == {f"aws://{spec.account}/{spec.region}"}


@pytest.mark.parametrize("stack", LONG_LIVED_STACKS)
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


@pytest.mark.parametrize("stack", DISPOSABLE_STACKS)
def test_a_disposable_stack_can_be_destroyed_and_leaves_nothing(
    assembly: Assembly, stack: str
) -> None:
    assert not assembly.stacks[stack]["properties"].get("terminationProtection")
    for resource in assembly.resources(stack).values():
        assert resource.get("DeletionPolicy", "Delete") == "Delete", resource["Type"]


@pytest.mark.parametrize("stack", LONG_LIVED_STACKS)
def test_no_long_lived_stack_needs_a_disposable_one(assembly: Assembly, stack: str) -> None:
    assert not assembly.dependencies(stack) & set(DISPOSABLE_STACKS)
    text = json.dumps(assembly.templates[stack])
    for other in DISPOSABLE_STACKS:
        assert f"{assembly.environment.name}-{other}:" not in text


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
