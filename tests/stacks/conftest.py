"""The shipped environments, synthesized by the CDK CLI as a user would run it."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from slipway.model import Environment, load

ROOT = Path(__file__).parents[2]
CDK = ROOT / ".venv/bin/cdk"
LONG_LIVED = ("registry", "network", "data", "pipeline")
DISPOSABLE = ("cluster", "hub", "observability")
NOBODY = "http://127.0.0.1:9"

KUBERNETES_OBJECT = "Custom::AWSCDK-EKS-KubernetesResource"

Resources = dict[str, dict[str, Any]]


def cdk(*arguments: str) -> str:
    """Run the CLI without credentials, and with a network that leads nowhere."""
    ours = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "CDK_"))}
    nothing = {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "HTTP_PROXY": NOBODY,
        "HTTPS_PROXY": NOBODY,
    }
    done = subprocess.run(
        [str(CDK), *arguments],
        cwd=ROOT,
        env={**ours, **nothing},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@dataclass(frozen=True)
class Assembly:
    """What `cdk deploy` would send for one environment."""

    environment: Environment
    stacks: dict[str, dict[str, Any]]
    """The manifest's entries by the stack's short name."""
    templates: dict[str, dict[str, Any]]

    def resources(self, stack: str, type: str | None = None) -> Resources:
        found: Resources = self.templates[stack]["Resources"]
        return {k: r for k, r in found.items() if type in (None, r["Type"])}

    def only(self, stack: str, type: str) -> dict[str, Any]:
        (found,) = self.resources(stack, type).values()
        return found["Properties"]


def read_assembly(folder: Path, environment: Environment) -> Assembly:
    manifest = json.loads((folder / "manifest.json").read_text())
    assert not manifest.get("missing"), "something would be looked up in the account"
    stacks = {
        entry["displayName"].rpartition("/")[2]: entry
        for entry in manifest["artifacts"].values()
        if entry["type"] == "aws:cloudformation:stack"
    }
    templates = {
        name: json.loads((folder / entry["properties"]["templateFile"]).read_text())
        for name, entry in stacks.items()
    }
    return Assembly(environment, stacks, templates)


@pytest.fixture(scope="session", params=["dev", "prod"])
def assembly(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    name = request.param
    out = tmp_path_factory.mktemp("cdk") / "out"
    cdk("synth", f"{name}/*", "--quiet", "--output", str(out))
    return read_assembly(out / f"assembly-{name}", load(ROOT).environment(name))


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
