"""`slipway render`: manifests for kubectl, without AWS."""

import json
import subprocess
from pathlib import Path

import yaml

from tests.support.local import ROOT, SLIPWAY


def render(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [SLIPWAY, "render", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_without_a_folder_it_prints_one_stream_for_kubectl():
    done = render("kube")
    assert done.returncode == 0, done.stderr
    objects = list(yaml.safe_load_all(done.stdout))
    assert objects[0]["kind"] == "Namespace"
    assert {"hub", "proxy"} <= {o["metadata"]["name"] for o in objects if o["kind"] == "Deployment"}


def test_json_lists_what_the_files_hold(tmp_path: Path):
    done = render("kube", "--json", "-o", str(tmp_path / "new"))
    said = json.loads(done.stdout)
    assert (said["environment"], said["release"]) == ("kube", "working-tree")
    written = [
        item
        for file in sorted((tmp_path / "new").iterdir())
        for item in yaml.safe_load_all(file.read_text())
    ]
    assert [(o["kind"], o["name"]) for o in said["objects"]] == [
        (item["kind"], item["metadata"]["name"]) for item in written
    ]


def test_a_local_environment_is_refused_with_what_to_run():
    done = render("local")
    assert done.returncode == 2
    assert "slipway up" in done.stderr
