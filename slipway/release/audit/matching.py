"""Whether a record is about a package's version: https://ossf.github.io/osv-schema/#evaluation"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from slipway.release.audit.osv import Statement
from slipway.release.audit.packages import LONGEST, Package, order


@dataclass(frozen=True)
class Vulnerability:
    """A known fault of a package, by all of its names."""

    package: Package
    aliases: frozenset[str]
    severity: str | None
    fixed: str | None
    """The lowest version above the package's that has it no more."""
    certain: bool
    """False where its versions cannot be compared: it may be another version's."""

    @property
    def id(self) -> str:
        """Its CVE, where it has one."""
        return min(self.aliases, key=lambda name: (not name.startswith("CVE-"), name))

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "aliases": sorted(self.aliases - {self.id}),
            "ecosystem": self.package.ecosystem,
            "package": self.package.name,
            "version": self.package.version,
            "severity": self.severity,
            "fixed": self.fixed,
            "certain": self.certain,
        }


def vulnerabilities(package: Package, statements: Iterable[Statement]) -> list[Vulnerability]:
    """Those that the statements about a package say its version has; each fault once."""
    found: list[Vulnerability] = []
    for statement in statements:
        fault = _vulnerability(package, statement)
        if fault is None:
            continue
        for other in [other for other in found if other.aliases & fault.aliases]:
            found.remove(other)
            fault = _merged(fault, other)
        found.append(fault)
    return sorted(found, key=lambda fault: fault.id)


def _merged(one: Vulnerability, other: Vulnerability) -> Vulnerability:
    return Vulnerability(
        one.package,
        one.aliases | other.aliases,
        one.severity or other.severity,
        one.fixed or other.fixed,
        one.certain or other.certain,
    )


def _vulnerability(package: Package, statement: Statement) -> Vulnerability | None:
    certain, fixed = True, None
    try:
        affected, fixed = _affected(package, statement.affected)
        if not affected:
            return None
    except (ValueError, TypeError, KeyError, AttributeError):
        certain = False
    return Vulnerability(package, statement.aliases, statement.severity, fixed, certain)


def _affected(package: Package, affected: dict[str, Any]) -> tuple[bool, str | None]:
    """Whether the package's version is among the affected ones, and the version that mends it.

    Raises ValueError, TypeError, KeyError or AttributeError for what cannot be compared.
    """
    versions = affected.get("versions") or []
    ranges = [span for span in affected.get("ranges") or [] if span["type"] != "GIT"]
    if not versions and not ranges:
        raise ValueError("neither versions nor ranges of them")
    parse = order(package.ecosystem)
    version = parse(package.version)
    answers = [_in_range(version, span["events"], parse) for span in ranges]
    inside = [fixed for is_inside, fixed in answers if is_inside]
    listed = any(_is(version, written, parse) for written in versions)
    fixes = [fixed for fixed in inside or (fixed for _, fixed in answers) if fixed]
    return bool(inside) or listed, min(fixes, key=parse, default=None)


def _is(version: Any, written: str, parse: Callable[[str], Any]) -> bool:
    """Whether it is the same version, in any spelling. Lists have entries that are none."""
    try:
        return len(written) <= LONGEST and bool(version == parse(written))
    except ValueError:
        return False


def _in_range(
    version: Any, events: list[dict[str, str]], parse: Callable[[str], Any]
) -> tuple[bool, str | None]:
    """Whether a version is in a range, and the lowest version above it that the range ends with."""

    def position(event: tuple[str, str]) -> tuple[Any, ...]:
        what, at = event
        return (0,) if event == ("introduced", "0") else (1, parse(at), what == "introduced")

    inside, fixed = False, None
    for what, at in sorted((_event(event) for event in events), key=position):
        if what == "introduced":
            inside = inside or at == "0" or version >= parse(at)
        elif what == "fixed" and version < parse(at):
            fixed = fixed or at
        elif what == "fixed" or version > parse(at):
            inside = False
    return inside, fixed


def _event(event: dict[str, str]) -> tuple[str, str]:
    """Raises ValueError for one of another kind: `limit` is of commits."""
    ((what, at),) = event.items()
    if len(at) > LONGEST:
        raise ValueError("nobody's version")
    if what not in ("introduced", "fixed", "last_affected"):
        raise ValueError(f"{what} is of commits")
    return what, at
