"""Names of pods, claims and labels: KubeSpawner's where they are safe."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kubespawner.slugs import is_valid_label, is_valid_object_name, safe_slug
from slipway_hub.kubernetes_names import label, object_name

COLLIDING = ("ada@@+.+..@@+.x", "ada+@.+@..+@+.x")
"""Found in a second: KubeSpawner's hash has 32 bits."""


def test_names_that_kubespawner_takes_for_one_are_two():
    assert safe_slug(COLLIDING[0]) == safe_slug(COLLIDING[1])
    assert object_name(COLLIDING[0]) != object_name(COLLIDING[1])
    assert label(COLLIDING[0]) != label(COLLIDING[1])


@pytest.mark.parametrize("user", ["ada", "a-da", "ada2"])
def test_plain_names_are_kubespawners(user: str):
    assert object_name(user) == safe_slug(user, max_length=48) == label(user) == user
    assert object_name(user, "rstudio-server") == f"{user}--rstudio-server"


@pytest.mark.slow
@settings(max_examples=10_000, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=120), st.sampled_from(["", "vscode", "a--b"]))))
def test_different_users_and_servers_have_different_valid_names(made: list[tuple[str, str]]):
    objects = {pair: f"user-{object_name(*pair)}" for pair in made}
    labels = {user: label(user) for user, _ in made}
    assert len(set(objects.values())) == len(objects)
    assert len(set(labels.values())) == len(labels)
    assert all(map(is_valid_object_name, objects.values()))
    assert all(
        is_valid_label(value) and re.fullmatch(r"[ -~]+", value) for value in labels.values()
    )
