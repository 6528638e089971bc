"""What differs by target is asked of the target's spec."""

import re

import pytest

from slipway.model import EksSpec, KubernetesSpec, LocalSpec, load
from slipway.model.specs import ClusterSpec, EnvironmentSpec
from tests.support.local import ROOT

ACCESSORS = {"slipway/model/environment.py", "slipway/model/project.py"}
"""The typed ways to the spec of one target."""


@pytest.mark.parametrize("folder", ["charts", "stacks", "slipway"])
def test_nobody_asks_what_kind_of_spec_it_is(folder: str) -> None:
    kinds = "|".join(
        spec.__name__ for spec in (EnvironmentSpec, LocalSpec, ClusterSpec, KubernetesSpec, EksSpec)
    )
    branch = re.compile(rf"isinstance\([^\n]*({kinds})|\.target [!=]= ")
    found = {
        file.relative_to(ROOT).as_posix()
        for file in (ROOT / folder).rglob("*.py")
        if branch.search(file.read_text())
    }
    assert found <= ACCESSORS


@pytest.mark.parametrize("name", ["kube", "dev", "prod"])
def test_every_cluster_answers_what_charts_ask(name: str) -> None:
    """These are declared for the type checker only, which does not miss one that is left out."""
    spec = load(ROOT, name).environment(name).cluster_spec
    attributes = (
        *("namespace", "registry", "image_pull_policy", "image_pull_secret", "service"),
        *("ingress_class", "ingress_annotations", "nodes", "storage", "cluster_network"),
    )
    for attribute in attributes:
        getattr(spec, attribute)
    assert spec.storage.homes.claim_name == "homes"
    assert spec.storage.hub_database_class == ("auto-ebs" if spec.on_aws else None)


def test_the_spec_of_another_target_is_refused_by_its_name() -> None:
    project = load(ROOT)
    with pytest.raises(ValueError, match="local is local: it has no cluster"):
        _ = project.environment("local").cluster_spec
    with pytest.raises(ValueError, match="kube has target kubernetes: it is not on AWS"):
        _ = project.environment("kube").eks_spec
    assert set(project.eks_specs) == {"dev", "prod"}
