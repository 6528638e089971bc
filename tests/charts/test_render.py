"""`slipway render`'s files and list."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from slipway.render import render, yaml_text
from tests.charts.conftest import environment_on_cluster, rendered


@pytest.mark.parametrize("name", ["kube", "dev"])
def test_the_files_hold_the_listed_objects_in_the_order_to_apply_them(
    name: str, tmp_path: Path
) -> None:
    environment = environment_on_cluster(name)
    listed = render(environment, tmp_path / "out")
    files = sorted((tmp_path / "out").iterdir())
    assert [f.name for f in files] == ["01-platform.yaml", "02-hub.yaml"]
    written = [item for f in files for item in yaml.safe_load_all(f.read_text())]
    assert written == rendered(environment)
    assert [(o["kind"], o["name"], o["namespace"]) for o in listed] == [
        (o["kind"], o["metadata"]["name"], o["metadata"].get("namespace", "")) for o in written
    ]
    assert (listed[0]["chart"], listed[0]["kind"]) == ("platform", "Namespace")


def test_without_a_folder_nothing_is_written_and_the_text_is_one_stream(tmp_path: Path) -> None:
    environment = environment_on_cluster("kube")
    assert len(render(environment, None)) == len(rendered(environment))
    assert list(yaml.safe_load_all(yaml_text(environment))) == rendered(environment)


def test_the_command_line_starts_without_node() -> None:
    code = "import sys, slipway.cli, slipway.render; print('jsii' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
