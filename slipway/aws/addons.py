"""`slipway addons`: which versions of its add-ons EKS offers, and one of each for `platform.yaml`.

None is pinned as Slipway comes: what EKS offers changes by region and week, and only EKS knows it.
"""

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.aws.account import Place
from slipway.model.project import PLATFORM
from slipway.model.release import ADDONS
from slipway.steps import StepError

ADDONS_BLOCK = re.compile(r"^addons:.*\n?(?:[ \t]+\S.*\n?)*", re.MULTILINE)


@dataclass(frozen=True)
class Offer:
    addon: str
    chosen: str
    offered: tuple[str, ...]
    """The newest first."""


def offers(place: Place, kubernetes: str) -> Iterator[Offer]:
    """For each add-on, what EKS has for this version of Kubernetes, and its own choice of it.

    Raises StepError where there is none, and what boto3 raises.
    """
    for addon in ADDONS:
        versions = list(_versions(place, addon, kubernetes))
        if not versions:
            raise StepError(
                f"EKS has no {addon} for Kubernetes {kubernetes} in {place.spec.region}: "
                f"name another version in {PLATFORM}: kubernetes"
            )
        default = [name for name, is_default in versions if is_default]
        offered = tuple(sorted((name for name, _ in versions), key=_age, reverse=True))
        yield Offer(addon, default[0] if default else offered[0], offered)


def _versions(place: Place, addon: str, kubernetes: str) -> Iterator[tuple[str, bool]]:
    """https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeAddonVersions.html"""
    pages = place.client("eks").get_paginator("describe_addon_versions")
    for page in pages.paginate(addonName=addon, kubernetesVersion=kubernetes):
        for found in page["addons"]:
            for version in found["addonVersions"]:
                yield version["addonVersion"], _is_default(version, kubernetes)


def _is_default(version: Mapping[str, Any], kubernetes: str) -> bool:
    return any(
        one.get("defaultVersion", False)
        for one in version.get("compatibilities", ())
        if one.get("clusterVersion") == kubernetes
    )


def _age(version: str) -> list[int]:
    """`v2.10.0-eksbuild.1` is newer than `v2.9.3-eksbuild.2`."""
    return [int(number) for number in re.findall(r"\d+", version)]


def pin(root: Path, versions: Mapping[str, str]) -> None:
    """Write them into `platform.yaml`; all else in the file stays as it is. Raises OSError."""
    file = root / PLATFORM
    block = "addons:\n" + "".join(f"  {name}: {versions[name]}\n" for name in sorted(versions))
    text = file.read_text() if file.exists() else "# The versions that `working-tree` runs on.\n"
    if ADDONS_BLOCK.search(text):
        text = ADDONS_BLOCK.sub(lambda _: block, text, count=1)
    else:
        text = f"{text.rstrip()}\n{block}"
    handle, partial = tempfile.mkstemp(dir=root, prefix=f".{PLATFORM}.")
    with os.fdopen(handle, "w") as written:
        written.write(text)
    Path(partial).chmod(0o644)
    Path(partial).replace(file)
