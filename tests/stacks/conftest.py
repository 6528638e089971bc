"""The shipped environments, synthesized in this process once for all tests.

`test_offline.py` shows that the CDK CLI gets the same templates from `app.py`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template

from slipway.model import Environment, load
from stacks.environment_stage import EnvironmentStage

ROOT = Path(__file__).parents[2]
CDK = ROOT / ".venv/bin/cdk"

KUBERNETES_OBJECT = "Custom::AWSCDK-EKS-KubernetesResource"

Resources = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Assembly:
    """What `cdk deploy` would send for one environment, by the stacks' short names."""

    environment: Environment
    stacks: Mapping[str, dict[str, Any]]
    """The manifest's entries, each with its `id`."""
    templates: Mapping[str, dict[str, Any]]

    def dependencies(self, stack: str) -> set[str]:
        """The stacks that must be deployed before this one."""
        needed = self.stacks[stack]["dependencies"]
        return {name for name, entry in self.stacks.items() if entry["id"] in needed}

    def template(self, stack: str) -> Template:
        return Template.from_json(dict(self.templates[stack]))

    def resources(self, stack: str, type: str | None = None) -> Resources:
        found: Resources = self.templates[stack]["Resources"]
        return {k: r for k, r in found.items() if type in (None, r["Type"])}

    def only(self, stack: str, type: str) -> dict[str, Any]:
        """The properties of the one resource of this type."""
        (found,) = self.resources(stack, type).values()
        properties: dict[str, Any] = found["Properties"]
        return properties


def cdk_context() -> dict[str, Any]:
    """What the CDK CLI hands to an app: the feature flags of `cdk.json`."""
    context: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text())["context"]
    return {**context, "aws:cdk:enable-path-metadata": True, "aws:cdk:enable-asset-metadata": True}


def synthesize(environment: Environment, folder: Path) -> Assembly:
    app = App(outdir=str(folder), context=cdk_context(), builtin_cloud_formation_validation=False)
    EnvironmentStage(app, environment.name, environment=environment)
    app.synth()
    return read_assembly(folder / f"assembly-{environment.name}", environment)


def read_assembly(folder: Path, environment: Environment) -> Assembly:
    manifest = json.loads((folder / "manifest.json").read_text())
    assert not manifest.get("missing"), "something would be looked up in the account"
    stacks = {
        entry["displayName"].rpartition("/")[2]: {"id": artifact, **entry}
        for artifact, entry in manifest["artifacts"].items()
        if entry["type"] == "aws:cloudformation:stack"
    }
    templates = {
        name: json.loads((folder / entry["properties"]["templateFile"]).read_text())
        for name, entry in stacks.items()
    }
    return Assembly(environment, stacks, templates)


@pytest.fixture(scope="session")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    return synthesize(load(ROOT).environment("dev"), tmp_path_factory.mktemp("dev"))


@pytest.fixture(scope="session")
def prod(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    return synthesize(load(ROOT).environment("prod"), tmp_path_factory.mktemp("prod"))


@pytest.fixture(params=["dev", "prod"])
def assembly(request: pytest.FixtureRequest) -> Assembly:
    """Each of them in turn."""
    found: Assembly = request.getfixturevalue(request.param)
    return found


def objects_in(assembly: Assembly, stack: str) -> dict[str, dict[str, Any]]:
    """Kubernetes objects by logical id; each has a resource of its own."""
    found = {}
    for logical_id, resource in assembly.resources(stack, KUBERNETES_OBJECT).items():
        (found[logical_id],) = json.loads(manifest_text(resource["Properties"]["Manifest"]))
    return found


def manifest_text(manifest: Any) -> str:
    """The manifest's JSON, with each value that only the deploy knows in words: `Ref role`."""
    if isinstance(manifest, str):
        return manifest
    parts = manifest["Fn::Join"][1]
    return "".join(part if isinstance(part, str) else _in_words(part) for part in parts)


def _in_words(value: dict[str, Any]) -> str:
    ((function, of),) = value.items()
    return f"{function} {'.'.join(of) if isinstance(of, list) else of}"


def listed(value: str | list[str]) -> list[str]:
    """CloudFormation writes a list of one as a string."""
    return [value] if isinstance(value, str) else value
