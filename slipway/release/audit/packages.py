"""The packages of a bill of materials, in the words of OSV.

https://ossf.github.io/osv-schema/#defined-ecosystems
https://github.com/package-url/purl-spec
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packageurl import PackageURL
from packaging.utils import canonicalize_name
from packaging.version import Version as PythonVersion
from semver import Version as SemanticVersion
from univers.versions import AlpineLinuxVersion, DebianVersion

from slipway.release.freeze import MOST_OF_A_BILL
from slipway.untrusted import parse_json

LONGEST = 200
"""Characters of a version or a name: a longer one is nobody's."""


@dataclass(frozen=True)
class Package:
    """A package that OSV may have records of; or a kind of package that it has none of."""

    ecosystem: str
    """OSV's, with the release of a distribution: `PyPI`, `Debian:12`. Of a package that OSV has no
    ecosystem for, the type of its package URL."""
    name: str
    """That of the source package, where a distribution builds several from one."""
    version: str


def packages(bill: Path) -> set[Package]:
    """All packages of a bill of materials (CycloneDX).

    Raises OSError, and ValueError for what is no such bill.
    """
    try:
        content = parse_json(bill.read_bytes(), most=MOST_OF_A_BILL)
    except ValueError as error:
        raise ValueError(f"{bill} is no bill of materials: {error}") from None
    if not isinstance(content, dict) or content.get("bomFormat") != "CycloneDX":
        raise ValueError(f"{bill} is no bill of materials in the CycloneDX format")
    try:
        return {_package(part) for part in _parts(content) if not _is_no_package(part)}
    except (AttributeError, TypeError) as error:
        raise ValueError(f"{bill} is a damaged bill of materials: {error}") from None


def _parts(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A bill's components, and those inside of them."""
    waiting = [*content.get("components", [])]
    while waiting:
        part = waiting.pop()
        waiting += part.get("components", [])
        yield part


def _is_no_package(part: dict[str, Any]) -> bool:
    return not part.get("purl") and part.get("type") in ("operating-system", "file")


def _package(part: dict[str, Any]) -> Package:
    """`unknown` is the ecosystem of what has no package URL that can be read."""
    named = str(part.get("name", "?"))[:LONGEST], str(part.get("version", ""))[:LONGEST]
    try:
        url = PackageURL.from_string(str(part.get("purl")))
    except ValueError:
        return Package("unknown", *named)
    ecosystem = _OSV.get(url.type)
    if ecosystem is None or not url.version or len(url.version) > LONGEST:
        return Package(url.type, *named)
    return ecosystem(url) or Package(url.type, *named)


def order(ecosystem: str) -> Callable[[str], Any]:
    """Makes of a version what can be compared with another one of the ecosystem. It raises
    ValueError for what is no version there."""
    return _ORDERS[ecosystem.partition(":")[0]]


def _python(url: PackageURL) -> Package:
    return Package("PyPI", canonicalize_name(url.name), str(url.version))


def _with_namespace(ecosystem: str) -> Callable[[PackageURL], Package]:
    def package(url: PackageURL) -> Package:
        name = f"{url.namespace}/{url.name}" if url.namespace else url.name
        return Package(ecosystem, name, str(url.version))

    return package


def _go(url: PackageURL) -> Package:
    """Versions of modules begin with a `v`, those of OSV do not."""
    plain = _with_namespace("Go")(url)
    return Package("Go", plain.name, re.sub("^(v|go)", "", plain.version))


def _debian(url: PackageURL) -> Package | None:
    """None where the bill does not say which release it is: a version means nothing without."""
    distribution, _, release = str(_qualifier(url, "distro")).partition("-")
    systems = {"debian": r"\d+", "ubuntu": r"\d+\.\d+"}
    if not re.fullmatch(systems.get(distribution, "(?!)"), release):
        return None
    return _of_source(url, f"{distribution.capitalize()}:{release}")


def _alpine(url: PackageURL) -> Package | None:
    found = re.fullmatch(r"alpine-(\d+\.\d+)(\.\d+)?", str(_qualifier(url, "distro")))
    return _of_source(url, f"Alpine:v{found[1]}") if found else None


def _of_source(url: PackageURL, ecosystem: str) -> Package:
    """As syft writes it: `upstream=NAME`, or `NAME@VERSION` where the versions differ."""
    name, _, version = str(_qualifier(url, "upstream") or url.name).partition("@")
    return Package(ecosystem, name, version or str(url.version))


def _qualifier(url: PackageURL, name: str) -> str | None:
    qualifiers = url.qualifiers
    return qualifiers.get(name) if isinstance(qualifiers, dict) else None


def _semantic(version: str) -> SemanticVersion:
    return SemanticVersion.parse(version, optional_minor_and_patch=True)


def _numbers(version: str) -> tuple[int, ...]:
    """https://stat.ethz.ch/R-manual/R-devel/library/base/html/numeric_version.html"""
    return tuple(int(number) for number in re.split("[.-]", version))


_OSV: dict[str, Callable[[PackageURL], Package | None]] = {
    "pypi": _python,
    "npm": _with_namespace("npm"),
    "golang": _go,
    "cargo": _with_namespace("crates.io"),
    "cran": _with_namespace("CRAN"),
    "deb": _debian,
    "apk": _alpine,
}
"""By the type of a package URL."""
_ORDERS: dict[str, Callable[[str], Any]] = {
    "PyPI": PythonVersion,
    "npm": _semantic,
    "Go": _semantic,
    "crates.io": _semantic,
    "CRAN": _numbers,
    "Debian": DebianVersion,
    "Ubuntu": DebianVersion,
    "Alpine": AlpineLinuxVersion,
}
