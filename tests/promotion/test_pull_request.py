"""A pull request holds the pin and nothing else that somebody has at hand."""

import os
import subprocess
from pathlib import Path

import pytest

from slipway.promotion.pull_request import CannotOpen, PullRequest, can_open, open_with_gh

REQUEST = PullRequest("promote/prod-1.0.0", "Promote 1.0.0 from dev to prod", "| gate |\n")
FILE = "environments/prod.yaml"
GH = """\
#!/bin/sh
echo "$@" > "{folder}/gh-arguments"
test "$1" = pr && cat > "{folder}/gh-body"
test "$1 $2" != "auth token" || test -n "$GH_TOKEN" || exit 1
echo https://example.org/pull/7
"""


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"):
        monkeypatch.setenv(name, "Ada")
    for name in ("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"):
        monkeypatch.setenv(name, "ada@example.org")
    origin, clone = tmp_path / "origin.git", tmp_path / "clone"
    git(tmp_path, "init", "--quiet", "--bare", str(origin))
    git(tmp_path, "init", "--quiet", "--initial-branch=main", str(clone))
    git(clone, "remote", "add", "origin", str(origin))
    project = clone / "deploy"
    (project / "environments").mkdir(parents=True)
    (project / FILE).write_text("target: eks\n")
    (project / "other").write_text("before\n")
    git(clone, "add", ".")
    git(clone, "commit", "--quiet", "--message", "Begin")
    (project / FILE).write_text("target: eks\nrelease: 1.0.0\n")
    (project / "other").write_text("after\n")
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "gh").write_text(GH.format(folder=tmp_path))
    (programs / "gh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("GH_TOKEN", "a-token")
    return project


def test_the_branch_holds_the_pin_alone_and_nothing_at_hand_changes(clone: Path):
    before = git(clone, "status", "--porcelain"), git(clone, "rev-parse", "HEAD")
    address = open_with_gh(clone, REQUEST, FILE)
    assert address == "https://example.org/pull/7"
    origin = clone.parent.parent / "origin.git"
    changed = git(origin, "show", "--format=%s", "--name-only", REQUEST.branch).splitlines()
    assert changed == [REQUEST.title, "", f"deploy/{FILE}"]
    pinned = git(origin, "show", f"{REQUEST.branch}:deploy/{FILE}")
    assert pinned == "target: eks\nrelease: 1.0.0"
    assert (git(clone, "status", "--porcelain"), git(clone, "rev-parse", "HEAD")) == before
    assert (clone.parent.parent / "gh-body").read_text() == REQUEST.body


def test_what_git_refuses_is_told(clone: Path):
    git(clone, "remote", "set-url", "origin", str(clone / "nowhere"))
    with pytest.raises(CannotOpen, match=r"^git push: "):
        open_with_gh(clone, REQUEST, FILE)


def test_without_a_login_nothing_is_opened(clone: Path, monkeypatch: pytest.MonkeyPatch):
    assert can_open(clone)
    monkeypatch.delenv("GH_TOKEN")
    assert not can_open(clone)
