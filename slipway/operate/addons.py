"""`slipway addons`: pins in `platform.yaml` a version of each EKS add-on that EKS offers.

No version comes with Slipway: what EKS offers differs by region and week.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ruamel.yaml.comments import CommentedMap

from slipway import facts, files
from slipway.aws.account import AwsAccount
from slipway.model.edit import edited, set_items
from slipway.steps import StepError

if TYPE_CHECKING:
    from types_boto3_eks.type_defs import AddonVersionInfoTypeDef

KEY = "addons"


@dataclass(frozen=True)
class Offer:
    addon: str
    chosen: str
    """EKS's default, else the newest."""
    offered: tuple[str, ...]
    """The newest first."""


def offers(aws: AwsAccount, kubernetes: str) -> Iterator[Offer]:
    """What EKS has of each add-on for this version of Kubernetes.

    Raises StepError where it has none, and what boto3 raises.
    """
    for addon in facts.ADDONS:
        versions = list(versions_of(aws, addon, kubernetes))
        if not versions:
            raise StepError(
                f"EKS has no {addon} for Kubernetes {kubernetes} in {aws.spec.region}: "
                f"name another version in {facts.PLATFORM_FILE}: kubernetes"
            )
        default = [offer["addonVersion"] for offer in versions if _is_default(offer, kubernetes)]
        offered = sorted((offer["addonVersion"] for offer in versions), key=_numbers, reverse=True)
        yield Offer(addon, (default or offered)[0], tuple(offered))


def versions_of(
    aws: AwsAccount, addon: str, kubernetes: str
) -> Iterator["AddonVersionInfoTypeDef"]:
    """https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeAddonVersions.html"""
    pages = aws.client("eks").get_paginator("describe_addon_versions")
    for page in pages.paginate(addonName=addon, kubernetesVersion=kubernetes):
        for described in page["addons"]:
            yield from described["addonVersions"]


def _is_default(version: "AddonVersionInfoTypeDef", kubernetes: str) -> bool:
    return any(
        cluster.get("defaultVersion", False)
        for cluster in version.get("compatibilities", ())
        if cluster.get("clusterVersion") == kubernetes
    )


def _numbers(version: str) -> list[int]:
    """For comparing: `v2.10.0-eksbuild.1` is newer than `v2.9.3-eksbuild.2`."""
    return [int(number) for number in re.findall(r"\d+", version)]


def pin(root: Path, versions: Mapping[str, str]) -> None:
    """Write these versions into the project's `platform.yaml`, and change nothing else in it.

    Raises OSError.
    """
    file = root / facts.PLATFORM_FILE
    before = b"# The versions that `working-tree` runs on.\n"
    if file.exists():
        before = file.read_bytes()

    def change(platform: CommentedMap) -> None:
        if not isinstance(platform.get(KEY), CommentedMap):
            platform[KEY] = CommentedMap()
        set_items(platform[KEY], dict(sorted(versions.items())))

    files.write(file, edited(before, change))
