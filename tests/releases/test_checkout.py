"""`slipway checkout`: a release's commit in a folder of its own, from which it is deployed."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization as pem
from cryptography.hazmat.primitives.asymmetric import ed25519

from slipway.model import InvalidProject, load
from slipway.release import checkout, code_check
from slipway.release.checkout import Checkout, check_out
from slipway.steps import StepError
from slipway.toolchain.git import GitError
from tests.releases.test_code import CHART, EKS, change, pin, refusal
from tests.support.local import SLIPWAY
from tests.support.releases import Released, git, own_slipway


def made(project: Released, name: str = "kube") -> Checkout:
    return check_out(load(project.root, name), name, lambda line: None)


def inside(found: Checkout, monkeypatch: pytest.MonkeyPatch) -> Released:
    """The checkout as a project; functions called in a test take it for Slipway's own folder."""
    monkeypatch.setattr(code_check, "INSTALLATION", found.folder)
    return Released(found.folder, "")


def accepted(project: Released, name: str = "kube") -> None:
    code_check.check_code(project.root, load(project.root, name).environment(name))


@pytest.fixture
def moved_on(released: Released) -> Released:
    """1.0.0 is pinned, and code and catalog have changed since it was frozen."""
    pin(released)
    change(released)
    released.edit("catalog.yaml", "title: VS Code", "title: Later")
    released.commit()
    return released


def test_a_release_is_rendered_in_the_checkout_of_its_commit(moved_on: Released) -> None:
    done = moved_on.slipway("checkout", "kube", "--json")
    assert done.returncode == 0, done.stderr
    assert "setting up" in done.stderr
    found = json.loads(done.stdout)
    release = load(moved_on.root).releases["1.0.0"]
    folder = moved_on.root / ".slipway/checkouts/kube"
    assert found == {
        "environment": "kube",
        "release": "1.0.0",
        "commit": release.commit,
        "folder": str(folder),
        "deploy": ".venv/bin/slipway render kube | kubectl apply -f -",
    }
    assert "# changed" not in (folder / CHART).read_text()
    rendered = subprocess.run(
        [".venv/bin/slipway", "render", "kube"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert rendered.returncode == 0, rendered.stderr
    assert "app.kubernetes.io/version: 1.0.0" in rendered.stdout
    environment = load(moved_on.root).environment("kube")
    assert checkout.manifests(moved_on.root, environment) == rendered.stdout
    assert moved_on.git("status", "--porcelain") == ""
    again = moved_on.slipway("checkout", "kube")
    assert again.returncode == 0, again.stderr
    assert f"kube: 1.0.0 ({release.commit[:12]}) is in {folder}\nNext: cd {folder}" in again.stdout
    assert "setting up" not in again.stderr


def test_the_environment_is_that_of_today_and_no_other_is_there(
    moved_on: Released, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved_on.edit("environments/kube.yaml", "auth:", "title: Ours\nauth:")
    moved_on.write("environments/dev.yaml", EKS)
    moved_on.commit()
    project = inside(made(moved_on), monkeypatch)
    accepted(project)
    files = [file.name for file in (project.root / "environments").iterdir()]
    assert files == ["kube.yaml"]
    assert load(project.root).specs["kube"].title == "Ours"


def test_a_checkout_that_is_not_of_today_is_refused(
    moved_on: Released, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = inside(made(moved_on), monkeypatch)
    moved_on.edit("environments/kube.yaml", "auth:", "title: Ours\nauth:")
    found = refusal(project)
    assert f"this checkout has another environments/kube.yaml than {moved_on.root}" in found
    assert f"`slipway checkout kube` in {moved_on.root}" in found
    monkeypatch.setattr(code_check, "INSTALLATION", moved_on.root)
    accepted(inside(made(moved_on), monkeypatch))


def test_an_environment_of_the_checkout_alone_is_refused(
    moved_on: Released, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody reviewed what was edited there."""
    moved_on.edit("environments/kube.yaml", "auth:", "protected: true\nauth:")
    project = inside(made(moved_on), monkeypatch)
    project.edit("environments/kube.yaml", "protected: true\n", "")
    assert "this checkout has another environments/kube.yaml" in refusal(project)


def test_edited_code_of_a_checkout_is_refused_and_not_overwritten(
    moved_on: Released, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = inside(made(moved_on), monkeypatch)
    change(project)
    assert f"other files are here than in the commit of 1.0.0: {CHART}" in refusal(project)
    monkeypatch.setattr(code_check, "INSTALLATION", moved_on.root)
    with pytest.raises(StepError, match=f"files of .* were edited: {CHART}; take them elsewhere"):
        made(moved_on)
    assert "# changed" in (project.root / CHART).read_text()


def test_it_moves_to_the_release_that_is_pinned_now(
    moved_on: Released, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = made(moved_on)
    moved_on.build()
    moved_on.release("1.1.0")
    moved_on.commit()
    moved_on.edit("environments/kube.yaml", "release: 1.0.0", "release: 1.1.0")
    then = made(moved_on)
    assert then.folder == first.folder
    assert then.commit == load(moved_on.root).releases["1.1.0"].commit != first.commit
    project = inside(then, monkeypatch)
    accepted(project)
    assert "# changed" in (project.root / CHART).read_text()


def test_two_environments_run_two_releases(
    moved_on: Released, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved_on.build()
    moved_on.release("1.1.0")
    text = (moved_on.root / "environments/kube.yaml").read_text()
    moved_on.write("environments/next.yaml", text.replace("1.0.0", "1.1.0"))
    moved_on.commit()
    found = {name: made(moved_on, name) for name in ("kube", "next")}
    assert {name: one.release for name, one in found.items()} == {"kube": "1.0.0", "next": "1.1.0"}
    for name, one in found.items():
        accepted(inside(one, monkeypatch), name)


def test_one_that_was_killed_is_made_again(
    moved_on: Released, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs = tmp_path / "hangs"
    variables = own_slipway(moved_on.root) | {"HANG": str(hangs)}
    with subprocess.Popen(
        [SLIPWAY, "checkout", "kube"], cwd=moved_on.root, env=variables, start_new_session=True
    ) as process:
        while not hangs.exists():
            assert process.poll() is None
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
    folder = moved_on.root / ".slipway/checkouts/kube"
    assert (folder / CHART).exists()
    assert not (folder / checkout.COMPLETE_MARKER).exists()
    (folder / CHART).write_text("half of it")
    environment = load(moved_on.root).environment("kube")
    with pytest.raises(InvalidProject, match="other files are here"):
        checkout.manifests(moved_on.root, environment)
    project = inside(made(moved_on), monkeypatch)
    accepted(project)
    assert (project.root / ".venv/bin/slipway").exists()


@pytest.mark.parametrize("left", ["nothing", "an empty folder", "a folder that git keeps locked"])
def test_whatever_a_killed_one_has_left_it_is_made(
    moved_on: Released, left: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = moved_on.root / ".slipway/checkouts/kube"
    if left != "nothing":
        moved_on.git("worktree", "add", "--detach", "--lock", str(folder))
        for file in folder.iterdir():
            if file.name != ".git" or left == "an empty folder":
                subprocess.run(["rm", "-r", file], check=True)
    accepted(inside(made(moved_on), monkeypatch))


def test_a_setup_that_fails_is_said_and_leaves_nothing_whole(
    moved_on: Released, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANG", "/nowhere/at/all")
    with pytest.raises(StepError, match=r"`make setup` fails in .*kube; mend that, then run this"):
        made(moved_on)
    monkeypatch.delenv("HANG")
    accepted(inside(made(moved_on), monkeypatch))


def test_signatures_are_judged_by_the_keys_of_today(
    released: Released, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit brings a key of its author under the trusted name: it has no say."""

    def write_key(name: str) -> Path:
        key = ed25519.Ed25519PrivateKey.generate()
        plain = (pem.PrivateFormat.PKCS8, pem.NoEncryption())
        private = released.root.parent / name
        private.write_bytes(key.private_bytes(pem.Encoding.PEM, *plain))
        public = key.public_key().public_bytes(
            pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo
        )
        released.write("keys/release.pem", public.decode())
        return private

    theirs = write_key("theirs")
    released.commit("a key of somebody")
    released.release("1.1.0", "--key", str(theirs))
    ours = write_key("ours")
    text = "release: 1.1.0\nsigned_by: [keys/release.pem]\nauth:"
    released.edit("environments/kube.yaml", "auth:", text)
    released.commit()
    with pytest.raises(InvalidProject, match=r"1.1.0.sig holds no signature of it by keys/release"):
        made(released)
    assert released.slipway("sign", "1.1.0", "--key", str(ours)).returncode == 0
    project = inside(made(released), monkeypatch)
    accepted(project)
    assert (project.root / "keys/release.pem").read_bytes() == (
        released.root / "keys/release.pem"
    ).read_bytes()


def test_a_commit_that_nobody_reviewed_is_not_checked_out(released: Released) -> None:
    frozen = (released.root / "releases/1.0.0.yaml").read_bytes()
    released.git("checkout", "-q", "--orphan", "another")
    released.commit("without a past")
    (released.root / "releases/1.0.0.yaml").write_bytes(frozen)
    pin(released)
    with pytest.raises(InvalidProject, match="is not in the history of what is here"):
        made(released)
    assert not (released.root / ".slipway/checkouts").exists()


def test_a_shallow_clone_says_that_it_lacks_the_commit(
    moved_on: Released, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = f"file://{moved_on.root}"
    git(tmp_path, "clone", "-q", "--depth=1", source, "shallow")
    clone = Released(tmp_path / "shallow", "")
    for module in (code_check, checkout):
        monkeypatch.setattr(module, "INSTALLATION", clone.root)
    with pytest.raises(
        InvalidProject, match=r"is not in this clone, fetch .*git fetch --unshallow"
    ):
        made(clone)
    clone.git("fetch", "-q", "--unshallow")
    accepted(inside(made(clone), monkeypatch))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere", "there is no environment 'nowhere', there is kube"),
        ("kube", "Slipway is not part of it: it is installed in"),
    ],
)
def test_bad_input_is_said_with_its_place(project: Released, name: str, said: str) -> None:
    project.release("1.0.0")
    project.commit()
    pin(project)
    done = project.slipway("checkout", name)
    assert done.returncode == 2
    assert done.stderr.startswith(f"environments/{name}.yaml:")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_what_follows_the_catalog_is_deployed_from_where_it_is(released: Released) -> None:
    found = made(released)
    assert (found.release, found.commit, found.folder) == ("working-tree", None, released.root)
    assert not (released.root / ".slipway/checkouts").exists()


def test_a_checkout_makes_no_checkout(moved_on: Released, monkeypatch: pytest.MonkeyPatch) -> None:
    project = inside(made(moved_on), monkeypatch)
    with pytest.raises(InvalidProject, match=f"is a checkout, run this in {moved_on.root}"):
        made(project)


def test_two_at_once_are_kept_apart(moved_on: Released) -> None:
    folder = moved_on.root / ".slipway/checkouts"
    folder.mkdir()
    with (
        checkout._exclusive(folder / ".kube.lock"),
        pytest.raises(StepError, match="another `slipway checkout` is at work"),
    ):
        made(moved_on)


def test_what_git_refuses_is_said(moved_on: Released) -> None:
    worktrees = moved_on.root / ".git/worktrees"
    worktrees.write_text("in the way")
    with pytest.raises(GitError, match="git worktree fails: "):
        made(moved_on)


def test_a_project_in_a_folder_of_its_repository_is_checked_out_there(
    released: Released, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("catalog.yaml", "environments", "releases")
    (released.root / "teams/a").mkdir(parents=True)
    for name in names:
        released.git("mv", name, f"teams/a/{name}")
    commit = released.commit()
    team = Released(released.root / "teams/a", "")
    file = team.root / "releases/1.0.0.yaml"
    release = load(team.root).releases["1.0.0"].model_copy(update={"commit": commit})
    file.unlink()
    from slipway.release import releases

    releases.write(team.root, release)
    pin(team)
    change(released)
    released.commit()
    found = made(team)
    assert found.folder == team.root / ".slipway/checkouts/kube/teams/a"
    monkeypatch.setattr(code_check, "INSTALLATION", team.root / ".slipway/checkouts/kube")
    accepted(Released(found.folder, ""))
    assert (team.root / ".slipway/checkouts/kube/.venv/bin/slipway").exists()
