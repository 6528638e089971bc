"""`slipway audit` against OSV exports and bills of materials in their own formats."""

import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from slipway.release.audit import osv
from slipway.release.audit.audit import Bill, ImageAudit, audit
from slipway.release.audit.osv import DatabaseError
from slipway.release.audit.packages import Package, packages
from tests.support.releases import Released

NOW = datetime(2026, 11, 1, tzinfo=UTC)
YEAR = timedelta(days=365)


def bill(folder: Path, *purls: str, name: str = "image.cdx.json", **more: Any) -> Path:
    parts = [{"type": "library", "name": purl.split("/")[-1], "purl": purl} for purl in purls]
    file = folder / name
    file.write_text(json.dumps({"bomFormat": "CycloneDX", "components": parts, **more}))
    return file


def affected(ecosystem: str, name: str, *events: str, **more: Any) -> dict[str, Any]:
    """Events as `introduced 0`."""
    found: dict[str, Any] = {"package": {"ecosystem": ecosystem, "name": name}, **more}
    if events:
        pairs = [event.split(" ") for event in events]
        found["ranges"] = [{"type": "ECOSYSTEM", "events": [{what: at} for what, at in pairs]}]
    return found


def record(id: str, *where: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": id, "modified": "2026-10-31T08:00:00Z", "affected": [*where], **more}


def database(folder: Path, *records: Any, name: str = "all.zip") -> Path:
    file = folder / name
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, content in enumerate(records):
            text = content if isinstance(content, str) else json.dumps(content)
            archive.writestr(f"{number}.json", text)
    return file


OTHER = record("PYSEC-2020-1", affected("PyPI", "something-else", "introduced 0", "fixed 1"))


def audited(folder: Path, purl: str, *records: Any, **options: Any) -> ImageAudit:
    bills = [Bill("notebook", "linux/amd64", bill(folder, purl))]
    files = [database(folder, *records)] if records else []
    (one,), _ = audit(bills, files, **{"oldest": YEAR, "now": NOW, **options})
    return one


def known(folder: Path, purl: str, *where: dict[str, Any], **more: Any) -> bool:
    (found, *_) = (audited(folder, purl, record("GHSA-1", *where, **more), OTHER).vulnerabilities,)
    return bool(found)


@pytest.mark.parametrize(
    ("version", "events", "is_known"),
    [
        ("1.4", ("introduced 0", "fixed 1.5"), True),
        ("1.5", ("introduced 0", "fixed 1.5"), False),
        ("1.5rc1", ("introduced 0", "fixed 1.5"), True),
        ("1.10", ("introduced 1.9", "fixed 1.11"), True),
        ("1.8", ("introduced 1.9", "fixed 1.11"), False),
        ("2.0", ("introduced 0", "fixed 1.5", "introduced 2.0", "fixed 2.1"), True),
        ("1.7", ("introduced 0", "fixed 1.5", "introduced 2.0", "fixed 2.1"), False),
        ("2.0", ("fixed 2.1", "introduced 2.0", "fixed 1.5", "introduced 0"), True),
        ("1.5", ("introduced 1.0", "last_affected 1.5"), True),
        ("1.6", ("introduced 1.0", "last_affected 1.5"), False),
        ("9", ("introduced 0",), True),
    ],
)
def test_a_version_is_in_a_range_as_osv_says(
    tmp_path: Path, version: str, events: tuple[str, ...], is_known: bool
) -> None:
    where = affected("PyPI", "jinja2", *events)
    assert known(tmp_path, f"pkg:pypi/Jinja2@{version}", where) is is_known


@pytest.mark.parametrize(
    ("purl", "ecosystem", "name", "fixed", "is_known"),
    [
        ("pkg:npm/%40babel/core@7.9.0", "npm", "@babel/core", "7.10.0", True),
        ("pkg:npm/%40babel/core@7.10.0", "npm", "@babel/core", "7.10.0", False),
        ("pkg:npm/core@7.9.0", "npm", "@babel/core", "7.10.0", False),
        ("pkg:npm/x@1.0.0-rc.2", "npm", "x", "1.0.0-rc.10", True),
        ("pkg:golang/github.com/a/b@v1.2.3", "Go", "github.com/a/b", "1.2.4", True),
        ("pkg:golang/stdlib@go1.22.1", "Go", "stdlib", "1.22.1", False),
        ("pkg:cargo/time@0.1.9", "crates.io", "time", "0.1.10", True),
        ("pkg:cran/zoo@1.8-9", "CRAN", "zoo", "1.8-12", True),
        (
            "pkg:deb/debian/zlib1g@1%3A1.2-1?distro=debian-13",
            "Debian:13",
            "zlib1g",
            "1:1.2-2",
            True,
        ),
        ("pkg:deb/debian/zlib1g@1%3A1.2-1?distro=debian-13", "Debian:13", "zlib1g", "2.0-1", False),
        ("pkg:deb/debian/a@1~rc1-1?distro=debian-13", "Debian:13", "a", "1-1", True),
        ("pkg:deb/debian/a@1-1?distro=debian-13", "Debian:12", "a", "2-1", False),
        (
            "pkg:deb/debian/bash@5-2%2Bb8?distro=debian-13&upstream=bsh%405-2",
            *("Debian:13", "bsh", "5-2", False),
        ),
        (
            "pkg:deb/debian/libz@9?distro=debian-13&upstream=zstd%401.5-1",
            *("Debian:13", "zstd", "1.5-2", True),
        ),
        ("pkg:deb/ubuntu/a@1-1?distro=ubuntu-24.04", "Ubuntu:24.04:LTS", "a", "1-2", True),
        ("pkg:deb/ubuntu/a@1-1?distro=ubuntu-24.04", "Ubuntu:Pro:24.04:LTS", "a", "1-2", False),
        ("pkg:apk/alpine/a@1.2-r2?distro=alpine-3.20.3", "Alpine:v3.20", "a", "1.2-r10", True),
    ],
)
def test_packages_are_found_by_the_names_and_the_order_of_their_ecosystem(
    tmp_path: Path, purl: str, ecosystem: str, name: str, fixed: str, is_known: bool
) -> None:
    where = affected(ecosystem, name, "introduced 0", f"fixed {fixed}")
    assert known(tmp_path, purl, where) is is_known


def test_a_record_may_spell_a_name_of_pypi_in_another_way(tmp_path: Path) -> None:
    where = affected("PyPI", "Flask_Login", "introduced 0")
    assert known(tmp_path, "pkg:pypi/flask-login@1.0", where)


def test_a_listed_version_is_known_in_any_spelling(tmp_path: Path) -> None:
    for version, is_known in (("2024.7.4", True), ("2024.7.5", False)):
        where = affected("PyPI", "certifi", versions=["nonsense", "2024.07.04"])
        assert known(tmp_path, f"pkg:pypi/certifi@{version}", where) is is_known


def test_what_was_withdrawn_is_no_fault(tmp_path: Path) -> None:
    where = affected("PyPI", "flask", "introduced 0")
    assert known(tmp_path, "pkg:pypi/flask@1.0", where)
    assert not known(tmp_path, "pkg:pypi/flask@1.0", where, withdrawn="2026-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("purl", "where"),
    [
        ("pkg:pypi/flask@1.0.post-mine!", affected("PyPI", "flask", "introduced 0", "fixed 9")),
        ("pkg:pypi/flask@1.0", affected("PyPI", "flask", "introduced 0", "fixed x.y!")),
        ("pkg:pypi/flask@1.0", affected("PyPI", "flask", "introduced 0", "limit 9")),
        ("pkg:pypi/flask@1.0", affected("PyPI", "flask")),
        ("pkg:pypi/flask@1.0", affected("PyPI", "flask", ranges=[{"type": "GIT", "events": []}])),
        ("pkg:pypi/flask@1.0", affected("PyPI", "flask", ranges=["odd"])),
        ("pkg:pypi/flask@1.0", affected("PyPI", "flask", f"introduced {'1' * 100_000}")),
        ("pkg:pypi/flask@1.0", affected("PyPI", "flask", ranges=[{"type": "ECOSYSTEM"}])),
    ],
)
def test_what_cannot_be_compared_cannot_be_excluded(
    tmp_path: Path, purl: str, where: dict[str, Any]
) -> None:
    one = audited(tmp_path, purl, record("GHSA-1", where), OTHER)
    assert one.verdict == "vulnerable"
    assert [found.certain for found in one.vulnerabilities] == [False]
    assert not one.is_ok(only_fixed=True)


def test_a_fault_of_two_names_is_told_once(tmp_path: Path) -> None:
    where = affected("PyPI", "flask", "introduced 0", "fixed 2.0")
    one = audited(
        tmp_path,
        "pkg:pypi/flask@1.0",
        record("GHSA-2", where, aliases=["CVE-2026-7"], database_specific={"severity": "HIGH"}),
        record("PYSEC-2026-9", where, aliases=["CVE-2026-7"]),
        record("GHSA-3", where),
    )
    assert [found.id for found in one.vulnerabilities] == ["CVE-2026-7", "GHSA-3"]
    assert one.vulnerabilities[0].as_json() == {
        "id": "CVE-2026-7",
        "aliases": ["GHSA-2", "PYSEC-2026-9"],
        "ecosystem": "PyPI",
        "package": "flask",
        "version": "1.0",
        "severity": "HIGH",
        "fixed": "2.0",
        "certain": True,
    }


def test_what_no_version_mends_fails_unless_only_mendable_faults_count(tmp_path: Path) -> None:
    for events, fails in ((("introduced 0",), False), (("introduced 0", "fixed 2"), True)):
        where = affected("PyPI", "flask", *events)
        one = audited(tmp_path, "pkg:pypi/flask@1.0", record("GHSA-1", where))
        assert one.verdict == "vulnerable"
        assert not one.is_ok(only_fixed=False)
        assert one.is_ok(only_fixed=True) is not fails


def test_a_listed_version_is_mended_by_what_ends_its_range(tmp_path: Path) -> None:
    where = affected("PyPI", "flask", "introduced 0", "fixed 2.0", versions=["1.0"])
    other = affected("PyPI", "flask", "introduced 1.0", "fixed 1.5", versions=["1.0"])
    one = audited(tmp_path, "pkg:pypi/flask@1.0", record("GHSA-1", where), record("GHSA-2", other))
    assert [found.fixed for found in one.vulnerabilities] == ["2.0", "1.5"]
    assert not one.is_ok(only_fixed=True)


def test_without_a_database_nothing_is_audited(tmp_path: Path) -> None:
    one = audited(tmp_path, "pkg:pypi/flask@1.0")
    assert one.verdict == "not audited"
    assert not one.is_ok(only_fixed=False)
    assert not one.is_ok(only_fixed=True)
    assert "PyPI/all.zip" in one.gaps[0].reason


def test_with_a_database_what_is_not_in_it_is_known_of_nobody(tmp_path: Path) -> None:
    one = audited(tmp_path, "pkg:pypi/flask@1.0", OTHER)
    assert (one.verdict, one.gaps, one.is_ok(only_fixed=False)) == ("nothing known", [], True)


def test_an_export_of_another_ecosystem_covers_nothing(tmp_path: Path) -> None:
    """Not even where one of its records is of both."""
    both = record("GHSA-5", affected("PyPI", "a", "introduced 0"), affected("npm", "a", "fixed 1"))
    one = audited(tmp_path, "pkg:npm/react@18.0.0", OTHER, both)
    assert one.verdict == "not audited"
    assert "npm/all.zip" in one.gaps[0].reason
    debian = "pkg:deb/debian/a@1?distro=debian-13"
    of_12 = record("DSA-1", affected("Debian:12", "b", "introduced 0"))
    assert audited(tmp_path, debian, OTHER, of_12).verdict == "not audited"


@pytest.mark.parametrize(
    "purl",
    [
        "pkg:generic/node@24.0.0",
        "pkg:github/actions/checkout@v4",
        "pkg:rpm/fedora/bash@5?distro=fedora-41",
        "pkg:deb/debian/bash@5",
        "pkg:deb/debian/bash@5?distro=debian-sid",
        "pkg:apk/alpine/a@1?distro=alpine-edge",
        "pkg:pypi/flask",
        "no package URL",
        "",
    ],
)
def test_what_osv_cannot_be_asked_for_is_not_audited(tmp_path: Path, purl: str) -> None:
    one = audited(tmp_path, purl, OTHER)
    assert one.verdict == "not audited"
    (gap,) = one.gaps
    assert gap.packages == 1
    accepted = audited(tmp_path, purl, OTHER, accepted=[gap.ecosystem])
    assert accepted.verdict == "nothing known"
    assert [gap.accepted for gap in accepted.gaps] == [True], "and it is still told"


def test_an_old_database_is_none_but_what_it_knows_is_told(tmp_path: Path) -> None:
    fault = record("GHSA-1", affected("PyPI", "flask", "introduced 0"))
    options: dict[str, Any] = {"oldest": timedelta(days=30), "now": NOW + YEAR}
    one = audited(tmp_path, "pkg:pypi/django@1.0", fault, **options)
    assert one.verdict == "not audited"
    assert "is of 2026-10-31: download a newer one" in one.gaps[0].reason
    assert audited(tmp_path, "pkg:pypi/flask@1.0", fault, **options).verdict == "vulnerable"


def test_an_image_without_a_bill_or_with_an_empty_one_is_not_audited(tmp_path: Path) -> None:
    file = database(tmp_path, OTHER)
    empty = bill(tmp_path)
    audits, _ = audit(
        [Bill("a", "", None, "was not built here"), Bill("b", "linux/amd64", empty)],
        [file],
        oldest=YEAR,
        now=NOW,
    )
    assert [one.verdict for one in audits] == ["not audited", "not audited"]


def test_parts_inside_of_parts_are_packages_and_the_system_is_none(tmp_path: Path) -> None:
    inner = {"type": "library", "name": "b", "purl": "pkg:npm/b@1.0.0"}
    outer = {"type": "library", "name": "a", "purl": "pkg:npm/a@1.0.0", "components": [inner]}
    system = {"type": "operating-system", "name": "debian", "version": "13"}
    file = bill(tmp_path, components=[outer, system])
    assert packages(file) == {Package("npm", "a", "1.0.0"), Package("npm", "b", "1.0.0")}


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"bomFormat": "SPDX"}', "[" * 100_000]
    + [
        json.dumps({"bomFormat": "CycloneDX", "components": parts})
        for parts in (["odd"], 7, [{"type": "library", "components": 7}])
    ],
)
def test_what_is_no_bill_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "x.json"
    file.write_text(content)
    with pytest.raises(ValueError, match=r"x\.json is (no|a damaged) bill of materials"):
        packages(file)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        "[" * 100_000,
        '{"id": 7, "affected": []}',
        '{"id": "x", "affected": []}',
        '{"id": "x", "affected": [], "modified": "yesterday"}',
        '{"id": "x", "affected": [7], "modified": "2026-01-01T00:00:00Z"}',
        '{"id": "x", "affected": [{"package": {}}], "modified": "2026-01-01T00:00:00Z"}',
    ],
)
def test_a_damaged_record_spoils_the_database(tmp_path: Path, content: str) -> None:
    """A record that was passed over could be the one that matters."""
    file = database(tmp_path, OTHER, content)
    with pytest.raises(DatabaseError, match=r"all\.zip is no OSV export"):
        osv.read(file, set())


def test_a_file_that_is_no_whole_zip_is_refused(tmp_path: Path) -> None:
    whole = database(tmp_path, *[OTHER] * 20).read_bytes()
    for name, content in (("text", b"no zip"), ("cut", whole[:-40]), ("none", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DatabaseError, match="is no whole zip"):
            osv.read(tmp_path / name, set())
    with pytest.raises(DatabaseError, match="No such file"):
        osv.read(tmp_path / "missing", set())


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_no_damage_of_a_zip_ends_in_a_traceback_or_passes_unseen(
    tmp_path: Path, compression: int
) -> None:
    """Each byte in turn. What is read nevertheless has all its records: a zip has checksums."""
    file = tmp_path / "whole.zip"
    with zipfile.ZipFile(file, "w", compression) as archive:
        for number in range(2):
            archive.writestr(f"{number}.json", json.dumps(OTHER))
    whole = file.read_bytes()
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 0xFF
        file.write_bytes(damaged)
        try:
            read = osv.read(file, {("PyPI", "something-else")})
        except DatabaseError:
            continue
        assert len(read.statements["PyPI", "something-else"]) == read.records


def test_an_export_without_records_is_none(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="it has no record"):
        osv.read(database(tmp_path), set())


def test_a_record_that_unpacks_to_gigabytes_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(osv, "MOST_OF_A_RECORD", 1000)
    with pytest.raises(DatabaseError, match="too large"):
        osv.read(database(tmp_path, OTHER, " " * 100_000), set())
    monkeypatch.setattr(osv, "MOST_OF_ALL", 1500)
    with pytest.raises(DatabaseError, match="too large"):
        osv.read(database(tmp_path, *[OTHER] * 20), set())


def command(project: Released, *arguments: str, code: int) -> dict[str, Any]:
    done = project.slipway("audit", *arguments, "--json")
    assert done.returncode == code, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def as_syft_writes(project: Released, purl: str) -> None:
    """Into every bill of the project, in place of what the helpers have put there."""
    for file in (project.root / ".slipway/builds/sbom").glob("*.json"):
        bill(file.parent, purl, name=file.name)


def test_the_command_says_not_audited_without_a_database(project: Released) -> None:
    as_syft_writes(project, "pkg:pypi/flask@1.0")
    found = command(project, code=1)
    assert (found["ok"], found["verdict"], found["databases"]) == (False, "not audited", [])
    assert {image["name"] for image in found["images"]} == {"hub", "proxy", "tools"}
    assert {image["verdict"] for image in found["images"]} == {"not audited"}
    told = project.slipway("audit", "tools")
    assert told.returncode == 1
    assert "tools linux/amd64: not audited, 1 packages" in told.stdout
    assert "no database has records of them: download https://" in told.stdout


def test_the_command_knows_good_from_bad(project: Released, tmp_path: Path) -> None:
    as_syft_writes(project, "pkg:pypi/flask@1.0")
    option = ("--database", str(database(tmp_path, OTHER)), "--max-age", "36500")
    assert command(project, *option, code=0)["verdict"] == "nothing known"
    fault = record("GHSA-1\x1b[31m", affected("PyPI", "flask", "introduced 0", "fixed 2.0"))
    option = ("--database", str(database(tmp_path, fault, name="2.zip")), "--max-age", "36500")
    assert command(project, *option, "tools", code=1)["verdict"] == "vulnerable"
    told = project.slipway("audit", "tools", *option)
    assert told.returncode == 1
    assert "2.0" in told.stdout
    assert "\x1b" not in told.stdout, "what others wrote reaches no terminal as it is"


def test_a_release_is_audited_by_the_bills_that_it_was_frozen_with(
    project: Released, tmp_path: Path
) -> None:
    as_syft_writes(project, "pkg:pypi/flask@1.0")
    project.release("1.0.0")
    option = ("--database", str(database(tmp_path, OTHER)), "--max-age", "36500")
    assert command(project, "--release", "1.0.0", *option, code=0)["ok"]
    as_syft_writes(project, "pkg:pypi/flask@2.0")
    changed = command(project, "--release", "1.0.0", *option, code=1)
    assert changed["verdict"] == "not audited"
    assert "is not in" in changed["images"][0]["not_audited"][0]["reason"]


def test_the_command_refuses_what_is_no_input(project: Released, tmp_path: Path) -> None:
    as_syft_writes(project, "pkg:pypi/flask@1.0")
    (tmp_path / "text").write_text("no zip")
    for arguments, message in (
        (("--database", str(tmp_path / "text")), "is no whole zip"),
        (("nothing",), "no image nothing: there is hub, proxy, tools"),
        (("--release", "9.9.9"), "9.9.9"),
    ):
        done = project.slipway("audit", *arguments)
        assert done.returncode == 2, done.stderr
        assert message in done.stderr
    (file, *_) = (project.root / ".slipway/builds/sbom").glob("*.json")
    file.write_text("[]")
    done = project.slipway("audit")
    assert done.returncode == 1
    assert "no bill of materials" in done.stderr
    file.unlink()
    done = project.slipway("audit")
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)


def test_an_image_that_was_not_built_is_not_audited(project: Released) -> None:
    (project.root / ".slipway/builds/tools.json").unlink()
    (image,) = command(project, "tools", code=1)["images"]
    assert image["not_audited"][0]["reason"] == "was not built here: run `slipway build tools`"
