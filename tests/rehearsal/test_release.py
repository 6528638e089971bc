"""Releases of a project whose images are elsewhere and that signs, on an emulated AWS."""

import json
from pathlib import Path

import pytest

from slipway.model import load
from slipway.rehearse import environments, releases, sandbox
from slipway.rehearse.rehearsal import rehearsal

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
ELSEWHERE = f"quay.io/example/tools@sha256:{'5' * 64}"
CATALOG = f"""\
apps:
  lab: {{kind: jupyterlab}}
images:
  tools: {{apps: [lab], reference: "{ELSEWHERE}"}}
profiles:
  lab: {{title: Lab, image: tools}}
"""
DEV = """\
target: eks
account: "111122223333"
region: eu-central-1
zones: [eu-central-1a, eu-central-1b]
auth: {kind: github, client_id: x, allowed_organizations: [org]}
signed_by: [keys/release.pem]
"""


def test_a_rehearsal_needs_neither_others_registries_nor_the_projects_keys(tmp_path: Path) -> None:
    for name in ("app.py", "cdk.json"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "environments").mkdir()
    (tmp_path / ".slipway").mkdir()
    (ROOT / ".slipway/tools").mkdir(parents=True, exist_ok=True)  # the emulator, once for all
    (tmp_path / ".slipway/tools").symlink_to(ROOT / ".slipway/tools")
    (tmp_path / "catalog.yaml").write_text(CATALOG)
    (tmp_path / "environments/dev.yaml").write_text(DEV)
    with sandbox.without_credentials(), rehearsal(tmp_path, lambda line: None) as on:
        environments.bootstrap(on, on.first)
        environments.publish(on, on.first)
        releases.freeze(on, "1.0.0")
        # Read as a deploy reads it: the signature is checked.
        release = load(on.project.folder).environment("dev").release
        assert release
        kept = on.first.client("ecr").list_images(repositoryName="slipway/hub")["imageIds"]
        found = json.loads((on.project.folder / ".slipway/builds/hub.json").read_text())
    assert set(release.images) == {"hub", "proxy", "tools"}
    assert release.images["hub"] == found["digest"] in {one["imageDigest"] for one in kept}
    reference = release.catalog.images["tools"].reference
    assert reference
    assert reference.endswith(f"/outside/tools@{release.images['tools']}")
    assert "quay.io" not in reference
    assert (tmp_path / "catalog.yaml").read_text() == CATALOG
