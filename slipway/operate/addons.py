"""`slipway addons`: which versions of its add-ons EKS offers, and one of each for `platform.yaml`.

None is pinned as Slipway comes: what EKS offers changes by region and week, and only EKS knows it.
"""

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from slipway.aws.account import AwsAccount
from slipway.facts import ADDONS, PLATFORM_FILE
from slipway.model.document import parse
from slipway.model.problems import InvalidProject
from slipway.steps import StepError

KEY = "addons"


@dataclass(frozen=True)
class Offer:
    addon: str
    chosen: str
    offered: tuple[str, ...]
    """The newest first."""


def offers(aws: AwsAccount, kubernetes: str) -> Iterator[Offer]:
    """For each add-on, what EKS has for this version of Kubernetes, and its own choice of it.

    Raises StepError where there is none, and what boto3 raises.
    """
    for addon in ADDONS:
        versions = list(_versions(aws, addon, kubernetes))
        if not versions:
            raise StepError(
                f"EKS has no {addon} for Kubernetes {kubernetes} in {aws.spec.region}: "
                f"name another version in {PLATFORM_FILE}: kubernetes"
            )
        default = [name for name, is_default in versions if is_default]
        offered = tuple(sorted((name for name, _ in versions), key=_age, reverse=True))
        yield Offer(addon, default[0] if default else offered[0], offered)


def _versions(aws: AwsAccount, addon: str, kubernetes: str) -> Iterator[tuple[str, bool]]:
    """https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeAddonVersions.html"""
    pages = aws.client("eks").get_paginator("describe_addon_versions")
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
    """Write them into `platform.yaml`, in the place of those that are there; all else in the file
    stays as it is. Raises StepError where it is written in a way that cannot be edited, OSError."""
    file = root / PLATFORM_FILE
    block = f"{KEY}:\n" + "".join(f"  {name}: {versions[name]}\n" for name in sorted(versions))
    if file.exists():
        before = file.read_bytes().decode()
        text = _with_block(before, block.replace("\n", "\r\n" if "\r\n" in before else "\n"))
        wanted = {**parse(before.encode(), PLATFORM_FILE).data, KEY: dict(versions)}
    else:
        text = f"# The versions that `working-tree` runs on.\n{block}"
        wanted = {KEY: dict(versions)}
    _check(text, wanted, block)
    handle, partial = tempfile.mkstemp(dir=root, prefix=f".{PLATFORM_FILE}.")
    with os.fdopen(handle, "wb") as written:
        written.write(text.encode())
    Path(partial).chmod(0o644)
    Path(partial).replace(file)


def _with_block(text: str, block: str) -> str:
    """`text` with `block` for the lines from its key to its value's last."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        if key.value == KEY:
            start, end = key.start_mark.index, text.find("\n", _end(value))
            return text[:start] + block + (text[end + 1 :] if end >= 0 else "")
    ending = block[len(KEY) + 1 : block.index(" ")]
    return f"{text.rstrip()}{ending}{block}"


def _end(node: yaml.Node) -> int:
    """Where it ends; a block's own mark is behind the comments that follow it."""
    if isinstance(node, yaml.MappingNode) and not node.flow_style and node.value:
        return _end(node.value[-1][1])
    return int(node.end_mark.index)


def _check(text: str, wanted: Mapping[str, Any], block: str) -> None:
    with suppress(InvalidProject):
        if parse(text.encode(), PLATFORM_FILE).data == wanted:
            return
    raise StepError(f"{PLATFORM_FILE} is written in a way that cannot be edited: write\n{block}")
