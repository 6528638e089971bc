"""A pull request holds the pin and nothing else that somebody has at hand."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from slipway.release.promotion.pull_request import (
    CannotOpen,
    PullRequest,
    can_open,
    content,
    open_with_gh,
)
from tests.unit.test_workflows import jobs, named

REQUEST = PullRequest("promote/prod-1.0.0", "Promote 1.0.0 from dev to prod", "| gate |\n")
FILE = "environments/prod.yaml"
GH = """\
#!/bin/sh
echo "$@" > "{folder}/gh-arguments"
test "$1 $2" != "pr list" || {{ cat "{folder}/gh-open" 2>/dev/null; exit 0; }}
test "$1 $2" = "pr create" && cat > "{folder}/gh-body"
test "$1 $2" != "auth token" || test -n "$GH_TOKEN" || exit 1
echo https://example.org/pull/7
"""

JQ = """\
#!{python}
import functools, json, sys
keys = sys.argv[-1].strip(".").split(".")
print(functools.reduce(dict.__getitem__, keys, json.load(sys.stdin)))
"""
"""As much of it as the workflow uses: a runner has it, not every machine."""


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
    git(clone, "push", "--quiet", "origin", "main")
    (project / FILE).write_text("target: eks\nrelease: 1.0.0\n")
    (project / "other").write_text("after\n")
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "gh").write_text(GH.format(folder=tmp_path))
    (programs / "jq").write_text(JQ.format(python=sys.executable))
    for program in programs.iterdir():
        program.chmod(0o755)
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


def test_a_request_that_is_open_is_opened_once(clone: Path):
    folder = clone.parent.parent
    (folder / "gh-open").write_text("https://example.org/pull/6\n")
    assert open_with_gh(clone, REQUEST, FILE) == "https://example.org/pull/6"
    assert git(folder / "origin.git", "show", f"{REQUEST.branch}:deploy/{FILE}").endswith("1.0.0")
    assert not (folder / "gh-body").exists()


def test_commits_that_were_not_pushed_are_not_taken_along(clone: Path):
    git(clone, "commit", "--quiet", "--message", "Mine", "--", "other")
    with pytest.raises(CannotOpen, match="not pushed"):
        open_with_gh(clone, REQUEST, FILE)
    assert git(clone, "ls-remote", "--heads", "origin").endswith("refs/heads/main")


@pytest.mark.parametrize("text", [b"target: eks\r\nrelease: 0.9.0\r\n", b"release: 0.9.0"])
def test_the_workflow_opens_a_request_with_the_file_as_it_is_and_can_run_again(
    clone: Path, text: bytes
):
    """`.github/workflows/promote.yaml`, whose job has nothing but what the command printed."""
    top, folder, pin = clone.parent, clone.parent.parent, text.replace(b"0.9.0", b"1.0.0")
    git(top, "restore", ".")
    (top / "environments").mkdir()
    (top / FILE).write_bytes(text)
    git(top, "add", "environments")
    git(top, "commit", "--quiet", "--message", "An environment")
    (top / FILE).write_bytes(pin)
    printed = {"pull_request": REQUEST.as_json() | {"content": content(top, FILE)}}

    def run() -> None:
        git(top, "switch", "--quiet", "--discard-changes", "main")
        if git(top, "branch", "--list", REQUEST.branch):
            git(top, "branch", "--quiet", "--delete", "--force", REQUEST.branch)
        script = jobs(named("promote"))["open"]["steps"][-1]["run"]
        told = {"PROMOTION": json.dumps(printed), "TARGET": "prod", "AUTHOR": "a", "EMAIL": "a@b"}
        done = subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=top,
            env={**os.environ, **told},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    run()
    shown = ["git", "show", f"{REQUEST.branch}:{FILE}"]
    origin = folder / "origin.git"
    assert subprocess.run(shown, cwd=origin, capture_output=True, check=True).stdout == pin
    assert (folder / "gh-arguments").read_text().startswith("pr create")
    (folder / "gh-open").write_text("https://example.org/pull/7\n")
    run()
    assert (folder / "gh-arguments").read_text().startswith("pr list")
    git(top, "switch", "--quiet", "main")
    (top / FILE).write_bytes(pin)
    git(top, "commit", "--quiet", "--all", "--message", "Pinned")
    (folder / "gh-arguments").unlink()
    run()
    assert not (folder / "gh-arguments").exists(), "it is pinned already"


def test_what_git_refuses_is_told(clone: Path):
    git(clone, "remote", "set-url", "origin", str(clone / "nowhere"))
    with pytest.raises(CannotOpen, match=r"^git push fails: "):
        open_with_gh(clone, REQUEST, FILE)


def test_without_a_login_nothing_is_opened(clone: Path, monkeypatch: pytest.MonkeyPatch):
    assert can_open(clone)
    monkeypatch.delenv("GH_TOKEN")
    assert not can_open(clone)
