"""`slipway addons` against answers of EKS in the form of its API."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.stub import Stubber

from slipway.aws.account import AwsAccount
from slipway.facts import ADDONS
from slipway.model import load
from slipway.operate import addons
from slipway.steps import StepError
from tests.stacks.conftest import ROOT

OFFERED = ("v2.9.3-eksbuild.2", "v2.10.0-eksbuild.1", "v2.1.0-eksbuild.1")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> AwsAccount:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    return AwsAccount(load(ROOT).environment("dev"))


def answers(aws: AwsAccount, default: str | None, offered: tuple[str, ...] = OFFERED) -> Stubber:
    stub = Stubber(aws.client("eks"))
    for addon in ADDONS:
        versions = [
            {
                "addonVersion": version,
                "compatibilities": [
                    {"clusterVersion": "1.36", "defaultVersion": version == default},
                    {"clusterVersion": "1.30", "defaultVersion": version != default},
                ],
            }
            for version in offered
        ]
        found = [{"addonName": addon, "addonVersions": versions}] if offered else []
        asked = {"addonName": addon, "kubernetesVersion": "1.36"}
        stub.add_response("describe_addon_versions", {"addons": found}, asked)
    return stub


def chosen(found: Iterator[addons.Offer]) -> dict[str, str]:
    return {offer.addon: offer.chosen for offer in found}


def test_what_eks_would_choose_for_this_kubernetes_is_chosen(aws: AwsAccount) -> None:
    with answers(aws, "v2.9.3-eksbuild.2"):
        assert chosen(addons.offers(aws, "1.36")) == dict.fromkeys(ADDONS, "v2.9.3-eksbuild.2")


def test_without_a_default_the_newest_is(aws: AwsAccount) -> None:
    with answers(aws, None):
        assert chosen(addons.offers(aws, "1.36")) == dict.fromkeys(ADDONS, "v2.10.0-eksbuild.1")


def test_a_kubernetes_without_an_add_on_is_told(aws: AwsAccount) -> None:
    with answers(aws, None, ()), pytest.raises(StepError, match=r"platform\.yaml: kubernetes"):
        list(addons.offers(aws, "1.36"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "# The versions that `working-tree` runs on.\n{}"),
        ("kubernetes: '1.36'  # until May", "kubernetes: '1.36'  # until May\n{}"),
        ("# ours\n", "# ours\n{}"),
        (
            "# ours\naddons:\n  a: v1\n\n# until May\nkubernetes: '1.36'\n",
            "# ours\n{}\n# until May\nkubernetes: '1.36'\n",
        ),
        ("addons: {a: v1,\n  c: v1}\n# ours\n", "addons: {a: v2, b: v1}\n# ours\n"),
        ("{a: 1, addons: {a: v1}}\n", "{a: 1, addons: {a: v2, b: v1}}\n"),
        (
            "addons:\n  a: v1\n# ours\n  c: v1\n# until May\n",
            "addons:\n  a: v2\n# ours\n  b: v1\n# until May\n",
        ),
        ("addons:\n\n# until May\nkubernetes: '1.36'\n", "{}\n# until May\nkubernetes: '1.36'\n"),
    ],
)
def test_only_the_add_ons_of_the_file_change(tmp_path: Path, before: Any, after: str) -> None:
    file = tmp_path / "platform.yaml"
    if before is not None:
        file.write_text(before)
    addons.pin(tmp_path, {"b": "v1", "a": "v2"})
    expected = after.replace("{}", "addons:\n  a: v2\n  b: v1\n")
    # A file without a newline at its end stays one.
    ends = before is None or before.endswith("\n")
    assert file.read_text() == (expected if ends else expected.removesuffix("\n"))
    assert list(tmp_path.iterdir()) == [file]


def test_ends_of_lines_stay(tmp_path: Path) -> None:
    file = tmp_path / "platform.yaml"
    file.write_bytes(b"# ours\r\nkubernetes: '1.36'  # until May\r\n")
    addons.pin(tmp_path, {"a": "v2"})
    assert file.read_bytes().startswith(b"# ours\r\nkubernetes: '1.36'  # until May\r\n")
    assert file.read_bytes().endswith(b"addons:\r\n  a: v2\r\n")


def test_what_is_pinned_is_what_the_working_tree_runs_on(tmp_path: Path) -> None:
    (tmp_path / "environments").mkdir()
    for name in ("catalog.yaml", "environments/dev.yaml"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    addons.pin(tmp_path, dict.fromkeys(ADDONS, "v2.10.0-eksbuild.1"))
    versions = load(tmp_path).environment("dev").versions
    assert versions.addons == dict.fromkeys(ADDONS, "v2.10.0-eksbuild.1")
