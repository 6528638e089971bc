"""Bills of materials of images (CycloneDX): their digests, and the versions of what users see."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from slipway.images.build.build import RECORDS, SBOMS
from slipway.images.build.record import BuildRecord
from slipway.model.apps import KINDS

NAMES = {
    "jupyterhub": "JupyterHub",
    "configurable-http-proxy": "configurable-http-proxy",
    **{package: name for kind in KINDS.values() for package, name in kind.packages.items()},
}
"""Packages by their names in their registries, and what people call them."""


def programs(bill: Path) -> dict[str, str]:
    """Versions by name. Raises OSError and ValueError for what is no bill of materials."""
    content = json.loads(bill.read_bytes())
    if not isinstance(content, dict):
        raise ValueError(f"{bill} is not a bill of materials")
    return {
        NAMES[part["name"]]: str(part["version"])[:200]
        for part in content.get("components", [])
        if part.get("name") in NAMES and part.get("version")
    }


def digests(root: Path, records: Iterable[BuildRecord]) -> dict[str, dict[str, str]]:
    """Of the bills, by image and platform. Raises OSError."""
    return {
        record.name: {platform: _digest(bill_of(root, n)) for platform, n in record.sboms.items()}
        for record in records
        if record.sboms
    }


def programs_in(root: Path, records: Iterable[BuildRecord]) -> dict[str, dict[str, str]]:
    """What users see in each image, in its version; of the first platform.

    Raises OSError and ValueError.
    """
    found = {r.name: programs(bill_of(root, n)) for r in records for n in [*r.sboms.values()][:1]}
    return {name: versions for name, versions in found.items() if versions}


def bill_of(root: Path, name: str) -> Path:
    return root / RECORDS / SBOMS / name


def _digest(file: Path) -> str:
    return f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"
