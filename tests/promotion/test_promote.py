"""`slipway promote` between two environments with real registries."""

import json
import os
from datetime import timedelta
from typing import Any

import httpx
import pytest

from slipway.images.registry.reference import Reference
from slipway.images.registry.registry import Registry
from slipway.release.promotion.promote import operator
from slipway.release.records import file_record_store
from tests.promotion.conftest import ON_GPUS, Case, release


def there(case: Case, image: str) -> str | None:
    """The digest that prod's registry has under the release's tag."""
    reference = Reference.parse(f"{case.prod}/{image}:1.0.0")
    with Registry(reference) as registry:
        return registry.digest(reference)


def unchanged(case: Case) -> None:
    assert case.pinned("prod") == "working-tree"
    assert all(there(case, image) is None for image in case.images)


def gate(answer: Any, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(g for g in json.loads(answer.stdout)["gates"] if g["name"] == name)
    return found


def test_a_release_is_copied_pinned_and_recorded(case: Case):
    before = case.with_code().file("prod")
    answer = case.promote("--json")
    assert answer.returncode == 0, answer.stderr
    told = json.loads(answer.stdout)
    assert told["ok"]
    assert [image["name"] for image in told["images"]] == ["hub", "notebook", "proxy"]
    for name, image in case.images.items():
        assert there(case, name) == image.digest
    assert case.file("prod") == before.replace("working-tree", "1.0.0")
    (record,) = file_record_store(case.root).newest_first("promotion", "prod")
    assert (record.release, record.ok) == ("1.0.0", True)
    assert record.fields["previous"] == "working-tree"
    assert record.fields["who"]["user"]
    waived = {g["name"]: g["waived"] for g in record.fields["gates"] if not g["ok"]}
    assert waived == {"scan": "no scanner here"}


def test_a_repeat_copies_nothing_and_says_so(case: Case):
    case.promote()
    answer = case.promote()
    assert answer.returncode == 0, answer.stderr
    assert "hub: 0 blobs copied, 3 there, 0.0 MB" in answer.stdout
    assert "prod pins 1.0.0 already" in answer.stdout


def test_a_dry_run_shows_the_gates_and_the_change_and_does_nothing(case: Case):
    answer = case.promote("--dry-run")
    assert answer.returncode == 0, answer.stderr
    assert "+release: 1.0.0" in answer.stdout
    assert "passed     smoke: the newest smoke test" in answer.stderr
    unchanged(case)
    assert not list(file_record_store(case.root).newest_first("promotion", "prod"))


def test_a_release_that_is_pinned_but_not_deployed_stays(case: Case):
    case.runs("0.9.0")
    answer = case.promote("--json")
    assert answer.returncode == 1
    assert gate(answer, "release")["detail"] == "dev pins 1.0.0 and runs 0.9.0: deploy it first"
    assert "not promoted, as release has not passed" in answer.stderr
    unchanged(case)
    (record,) = file_record_store(case.root).newest_first("promotion", "prod")
    assert not record.ok


def test_other_images_than_the_releases_are_not_the_release(case: Case):
    case.runs("1.0.0", {"hub": "elsewhere/hub:1", "proxy": "elsewhere/proxy:1"})
    found = gate(case.promote("--json"), "release")
    assert not found["ok"]
    assert "hub runs elsewhere/hub:1" in found["detail"]
    unchanged(case)


def test_a_hub_that_is_not_available_is_no_release_that_runs(case: Case):
    case.runs("1.0.0", available=0)
    found = gate(case.promote("--json"), "release")
    assert "hub is not available" in found["detail"]
    unchanged(case)


def test_a_cluster_that_cannot_be_asked_is_not_passed(case: Case):
    case.answers(get={"code": 1, "stdout": "", "stderr": "Unable to connect to the server\n"})
    found = gate(case.promote("--json"), "release")
    assert not found["ok"]
    assert found["detail"] == "cannot be found out: kubectl: Unable to connect to the server"


@pytest.mark.parametrize(
    ("smoke", "said"),
    [
        ({"ok": False}, "did not pass: route /lab"),
        ({"release": "0.9.0"}, "was of 0.9.0 sha256:"),
        ({"age": timedelta(seconds=1)}, "did not pass"),
    ],
)
def test_the_newest_smoke_test_counts(case: Case, smoke: dict[str, Any], said: str):
    case.smoked(**{"ok": False, "age": timedelta(minutes=1)} | smoke)
    found = gate(case.promote("--json"), "smoke")
    assert not found["ok"]
    assert said in found["detail"]
    unchanged(case)


def test_a_smoke_test_gets_too_old(case: Case):
    file = case.root / "environments/prod.yaml"
    file.write_text(file.read_text() + "gates: {smoke_within: 30m}\n")
    found = gate(case.promote("--json"), "smoke")
    assert "is older than 30m" in found["detail"]
    unchanged(case)


def test_a_record_that_cannot_be_read_is_not_passed(case: Case):
    (record,) = (case.root / ".slipway/records/smoke/dev").iterdir()
    record.write_text("{")
    found = gate(case.promote("--json"), "smoke")
    assert found["detail"].startswith(f"cannot be found out: {record} is not a record")


def test_what_somebody_changed_by_hand_is_named(case: Case):
    told = "diff -u -N /tmp/LIVE-1/apps.v1.Deployment.slipway.hub /tmp/MERGED-2/{0}\n"
    changed = "apps.v1.Deployment.slipway.hub"
    case.answers(diff={"code": 1, "stdout": told.format(changed)})
    case.with_code()
    found = gate(case.promote("--json", waive=False), "drift")
    assert found["detail"] == f"differ from what the release renders: {changed}"
    unchanged(case)


def test_other_code_than_the_releases_cannot_tell_what_was_changed(case: Case):
    case.with_code()
    (case.root / "charts/new.py").write_text("")
    found = gate(case.promote("--json", waive=False), "drift")
    assert not found["ok"]
    assert "other files are here than in the commit of 1.0.0: charts/new.py" in found["detail"]
    assert "`slipway checkout dev` makes a folder" in found["detail"]
    unchanged(case)


def test_a_scan_that_does_not_exist_is_not_passed_unless_waived(case: Case):
    answer = case.promote("--json", waive=False)
    assert answer.returncode == 1
    assert "has no scan that can be asked for" in gate(answer, "scan")["detail"]
    unchanged(case)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--force", "scan"), "--force needs --why TEXT"),
        (("--force", "scan", "--why", " "), "--force needs --why TEXT"),
        (("--why", "I can"), "--why needs --force GATE"),
        (("--force", "luck", "--why", "I can"), "there is no gate luck, there is release,"),
        (("--force", "scan", "--why", "a", "--why", "b"), "one for each --force"),
    ],
)
def test_a_waiver_has_a_gate_and_a_reason(case: Case, arguments: tuple[str, ...], said: str):
    answer = case.promote(*arguments, waive=False)
    assert answer.returncode == 2
    assert said in answer.stderr
    unchanged(case)


@pytest.mark.parametrize(
    ("source", "target", "said"),
    [
        ("dev", "dev", "environments/dev.yaml:1:1: is both sides"),
        ("prod", "dev", "release: working-tree cannot be promoted, freeze one"),
        ("dev", "nowhere", "there is no environment 'nowhere'"),
    ],
)
def test_bad_input_is_told_with_its_place(case: Case, source: str, target: str, said: str):
    answer = case.slipway("promote", source, target)
    assert answer.returncode == 2
    assert said in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_user_without_a_name_is_recorded_by_number(monkeypatch: pytest.MonkeyPatch):
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    assert operator()["user"] == "54321"


def test_a_release_that_the_target_has_no_nodes_for_is_refused(case: Case):
    dev = case.root / "environments/dev.yaml"
    dev.write_text(dev.read_text() + "nodes: {users: {}, gpu: {}}\n")
    (case.root / "releases/1.0.0.yaml").unlink()
    release(case.root, "1.0.0", case.images, ON_GPUS)
    answer = case.promote()
    assert answer.returncode == 2, answer.stderr
    assert "environments/prod.yaml" in answer.stderr
    assert "the profile 'lab' runs on 'gpu', which is no pool here" in answer.stderr
    unchanged(case)


def test_a_release_that_was_edited_is_refused(case: Case):
    file = case.root / "releases/1.0.0.yaml"
    file.write_text(file.read_text().replace("title: Lab", "title: Lap"))
    answer = case.promote()
    assert answer.returncode == 2
    assert "releases/1.0.0.yaml:" in answer.stderr
    unchanged(case)


def test_an_environment_that_asks_for_signatures_takes_no_others_whoever_waives(case: Case):
    from cryptography.hazmat.primitives import serialization as pem
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate().public_key()
    (case.root / "keys").mkdir()
    (case.root / "keys/release.pem").write_bytes(
        key.public_bytes(pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo)
    )
    file = case.root / "environments/prod.yaml"
    file.write_text(file.read_text() + "signed_by: [keys/release.pem]\n")
    answer = case.promote("--json")
    assert answer.returncode == 1
    assert not gate(answer, "signature")["ok"]
    unchanged(case)
    waived = case.promote("--force", "signature", "--why", "in a hurry", waive=False)
    assert waived.returncode == 2
    assert "prod takes signed releases only" in waived.stderr
    unchanged(case)


def test_an_image_that_is_missing_in_the_source_leaves_the_target_as_it_was(case: Case):
    reference = Reference.parse(f"{case.dev}/proxy@{case.images['proxy'].digest}")
    url = f"http://{reference.host}/v2/{reference.repository}/manifests/{reference.digest}"
    assert httpx.delete(url).status_code == 202
    answer = case.promote()
    assert answer.returncode == 1
    assert "proxy@sha256:" in answer.stderr
    assert "is not there" in answer.stderr
    unchanged(case)


def test_a_pull_request_says_what_its_readers_need(case: Case):
    answer = case.promote("--pull-request", "--json")
    assert answer.returncode == 0, answer.stderr
    request = json.loads(answer.stdout)["pull_request"]
    assert request["branch"] == "promote/prod-1.0.0"
    assert request["title"] == "Promote 1.0.0 from dev to prod"
    assert "| scan | waived: no scanner here |" in request["body"]
    assert "+release: 1.0.0" in request["body"]
    assert case.images["hub"].digest in request["body"]


def test_what_somebody_wrote_makes_no_markup_in_a_pull_request(case: Case):
    reason = "x | <img src=x> `y` @everyone\n# no"
    waived = ("--force", "scan", "--why", reason, "--force", "drift", "--why", "no code here")
    arguments = (*waived, "--pull-request", "--json")
    answer = case.promote(*arguments, waive=False)
    body = json.loads(answer.stdout)["pull_request"]["body"]
    row = next(line for line in body.splitlines() if line.startswith("| scan"))
    assert "\\| \\<img src=x\\> \\`y\\` \\@everyone # no" in row


def test_what_users_will_see_is_said_in_their_words(case: Case):
    catalog = case.root / "catalog.yaml"
    catalog.write_text(catalog.read_text().replace('"Lab"', '"Old lab"'))
    answer = case.promote("--pull-request", "--json")
    told = json.loads(answer.stdout)
    assert "Old lab is called Lab now" in told["users"]
    assert "- Old lab is called Lab now" in told["pull_request"]["body"]
