"""The audit of images: their bills of materials against OSV exports."""

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from slipway.images.build.build import RECORDS, SBOMS
from slipway.images.build.record import BuildRecords
from slipway.model import Project
from slipway.model.release import Release, built_here
from slipway.release.audit import osv
from slipway.release.audit.matching import Vulnerability, vulnerabilities
from slipway.release.audit.osv import Database
from slipway.release.audit.packages import Package, order, packages
from slipway.steps import Say

Verdict = Literal["vulnerable", "not audited", "nothing known"]
DOWNLOAD = "https://osv-vulnerabilities.storage.googleapis.com/{ecosystem}/all.zip"
"""Where OSV has the export of an ecosystem; of a distribution, all releases are in one."""


@dataclass(frozen=True)
class Gap:
    """Packages of an image that were compared with nothing."""

    ecosystem: str
    packages: int
    reason: str
    accepted: bool = False
    """Whether the user said that it may be so."""

    def as_json(self) -> dict[str, Any]:
        return vars(self).copy()


@dataclass
class ImageAudit:
    """What is known of one image on one platform."""

    image: str
    platform: str
    packages: int = 0
    vulnerabilities: list[Vulnerability] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)

    @property
    def verdict(self) -> Verdict:
        if self.vulnerabilities:
            return "vulnerable"
        return "not audited" if self._open_gaps else "nothing known"

    @property
    def _open_gaps(self) -> list[Gap]:
        return [gap for gap in self.gaps if not gap.accepted]

    def is_ok(self, *, only_fixed: bool) -> bool:
        """Whether everything was compared, and nothing is known; or, with `only_fixed`, nothing
        that a newer version mends. What cannot be excluded counts as known."""
        counting = [v for v in self.vulnerabilities if v.fixed or not v.certain or not only_fixed]
        return not counting and not self._open_gaps

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.image,
            "platform": self.platform,
            "verdict": self.verdict,
            "packages": self.packages,
            "vulnerabilities": [one.as_json() for one in self.vulnerabilities],
            "not_audited": [gap.as_json() for gap in self.gaps],
        }


@dataclass(frozen=True)
class Bill:
    """Where an image's bill of materials is; or why it is nowhere."""

    image: str
    platform: str
    file: Path | None
    problem: str = ""


def bills_of_working_tree(project: Project, images: Collection[str]) -> list[Bill]:
    """Of the newest builds of the images; of all that are built here, if none is named."""
    records, found = BuildRecords(project.root / RECORDS), list[Bill]()
    for image in images or built_here(project.catalog):
        record = records.read(image)
        if record is None or not record.sboms:
            what = "was not built here" if record is None else "has no bill of materials"
            found.append(Bill(image, "", None, f"{what}: run `slipway build {image}`"))
            continue
        found += [
            Bill(image, platform, project.root / RECORDS / SBOMS / name)
            for platform, name in record.sboms.items()
        ]
    return found


def bills_of_release(project: Project, release: Release, images: Collection[str]) -> list[Bill]:
    """Of a release's images, known by the digests that it was frozen with."""
    folder = project.root / RECORDS / SBOMS
    here = {f"sha256:{_digest(file)}": file for file in sorted(folder.glob("*.json"))}
    found = []
    for image in images or release.images:
        bills = release.sboms.get(image, {})
        if not bills:
            found.append(Bill(image, "", None, "the release has no bill of materials of it"))
        for platform, digest in bills.items():
            problem = "" if digest in here else f"its bill of materials {digest} is not in {folder}"
            found.append(Bill(image, platform, here.get(digest), problem))
    return found


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def audit(
    bills: Sequence[Bill],
    databases: Sequence[Path],
    *,
    oldest: timedelta,
    accepted: Collection[str] = (),
    say: Say = lambda _: None,
    now: datetime | None = None,
) -> tuple[list[ImageAudit], list[Database]]:
    """Compare the packages of the bills with what the databases know.

    A database whose newest record is older than `oldest` covers nothing, but what it knows is
    told. `accepted` names ecosystems whose packages need not be compared with anything. `say` is
    called with what is being read. Raises OSError, ValueError and DatabaseError.
    """
    contents = {bill: packages(bill.file) for bill in bills if bill.file}
    wanted = {(one.ecosystem, one.name) for found in contents.values() for one in found}
    read = []
    for file in databases:
        say(f"reading {file}")
        read.append(osv.read(file, wanted))
    limit = (now or datetime.now(UTC)) - oldest
    missing = _missing({ecosystem for ecosystem, _ in wanted}, read, limit)
    audits = []
    for bill in bills:
        one = ImageAudit(bill.image, bill.platform)
        audits.append(one)
        if bill.file is None:
            one.gaps.append(Gap("image", 0, bill.problem))
            continue
        if not contents[bill]:
            one.gaps.append(Gap("image", 0, f"its bill of materials {bill.file} lists nothing"))
        _compare(one, contents[bill], read, missing, accepted)
    return audits, read


def _compare(
    image: ImageAudit,
    found: Collection[Package],
    databases: Sequence[Database],
    missing: Mapping[str, str],
    accepted: Collection[str],
) -> None:
    image.packages = len(found)
    for package in sorted(found, key=lambda one: (one.ecosystem, one.name, one.version)):
        place = package.ecosystem, package.name
        known = [one for data in databases for one in data.statements.get(place, ())]
        image.vulnerabilities += vulnerabilities(package, known)
    numbers = Counter(package.ecosystem for package in found)
    image.gaps += [
        Gap(ecosystem, number, missing[ecosystem], ecosystem in accepted)
        for ecosystem, number in sorted(numbers.items())
        if ecosystem in missing
    ]


def _missing(
    ecosystems: Collection[str], databases: Sequence[Database], limit: datetime
) -> dict[str, str]:
    """Why an ecosystem's packages are not audited, by ecosystem."""
    reasons = {}
    for ecosystem in ecosystems:
        base = ecosystem.partition(":")[0]
        if not is_known(base):
            reasons[ecosystem] = "OSV has no ecosystem for them, or their versions have no order"
            continue
        covering = [data for data in databases if data.covers(ecosystem)]
        if not covering:
            download = DOWNLOAD.format(ecosystem=base)
            reasons[ecosystem] = f"no database has records of them: download {download}"
        elif all(_is_older(data, limit) for data in covering):
            newest = max(data.newest for data in covering if data.newest)
            reasons[ecosystem] = f"the database is of {newest:%Y-%m-%d}: download a newer one"
    return reasons


def _is_older(database: Database, limit: datetime) -> bool:
    return database.newest is None or database.newest < limit


def is_known(ecosystem: str) -> bool:
    """Whether OSV has records of the ecosystem that can be compared."""
    try:
        order(ecosystem)
    except KeyError:
        return False
    return True
