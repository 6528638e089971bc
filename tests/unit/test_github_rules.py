"""`slipway doctor` asks GitHub what an environment is open to. gh's place is taken by a script that
answers from files, in the shapes of https://docs.github.com/en/rest."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from slipway.operate import github
from slipway.operate.checks import Finding
from tests.unit.test_doctor import account

GH = """\
#!/bin/sh
test "$1 $3 $4" = "api --hostname github.com" || exit 2
file="{folder}/$(printf %s "$2" | tr '/?&=' '____').json"
test -f "$file" || {{ echo "gh: Not Found (HTTP 404)" >&2; exit 1; }}
cat "$file"
"""
REPOSITORY = "repos/example-org/our-hub"
ENVIRONMENT = f"{REPOSITORY}/environments/dev"
POLICIES = f"{ENVIRONMENT}/deployment-branch-policies"
PROTECTED = f"{REPOSITORY}/branches?protected=true&per_page=2"
CUSTOM = {"protected_branches": False, "custom_branch_policies": True}
BY_PROTECTION = {"protected_branches": True, "custom_branch_policies": False}
MAIN = {"id": 1, "name": "main", "type": "branch"}


class GitHub:
    """What a repository in order answers, until a test says otherwise."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.answer(REPOSITORY, {"default_branch": "main"})
        self.answer(f"{REPOSITORY}/branches/main", {"name": "main", "protected": True})
        self.environment(CUSTOM)
        self.policies(MAIN)

    def answer(self, path: str, value: Any) -> None:
        name = path.translate(str.maketrans("/?&=", "____"))
        (self._folder / f"{name}.json").write_text(json.dumps(value))

    def environment(self, policy: Any, *rules: str) -> None:
        kinds = [{"type": kind} for kind in rules]
        self.answer(ENVIRONMENT, {"deployment_branch_policy": policy, "protection_rules": kinds})

    def policies(self, *policies: Any) -> None:
        self.answer(POLICIES, {"total_count": len(policies), "branch_policies": policies})

    def forget(self, path: str) -> None:
        (self._folder / f"{path.replace('/', '_')}.json").unlink()


@pytest.fixture
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitHub:
    (tmp_path / "gh").write_text(GH.format(folder=tmp_path))
    (tmp_path / "gh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return GitHub(tmp_path)


def found(**changes: Any) -> dict[str, Finding]:
    return {finding.name: finding for finding in github.rules(account(**changes))}


def environment() -> Finding:
    return found()["GitHub's environment dev"]


def test_an_environment_of_the_one_branch_is_in_order(answers: GitHub) -> None:
    assert all(finding.ok for finding in found().values())
    assert environment().detail == "is for the branch main alone"


def test_an_environment_without_a_branch_rule_is_open_to_every_branch(answers: GitHub) -> None:
    for policy in (None, {"protected_branches": False, "custom_branch_policies": False}):
        answers.environment(policy)
        assert not environment().ok
        assert environment().detail == "has no branch rule: a workflow of any branch may use it"
        assert "settings/environments" in environment().remedy


@pytest.mark.parametrize(
    ("policies", "open_to"),
    [
        ((), "no branch"),
        (({"name": "*", "type": "branch"},), "branch '*'"),
        (({"name": "main", "type": "tag"},), "tag 'main'"),
        ((MAIN, {"name": "feature/*", "type": "branch"}), "branch 'feature/*'"),
        ((MAIN, {"name": "v*", "type": "tag"}), "tag 'v*'"),
    ],
)
def test_a_rule_that_lets_in_more_is_named(
    answers: GitHub, policies: tuple[Any, ...], open_to: str
) -> None:
    answers.policies(*policies)
    assert not environment().ok
    assert open_to in environment().detail


def test_policies_that_are_on_another_page_count(answers: GitHub) -> None:
    answers.answer(POLICIES, {"total_count": 31, "branch_policies": [MAIN]})
    assert not environment().ok


@pytest.mark.parametrize(
    ("protected", "fine", "detail"),
    [
        (["main"], True, "is for the branch main alone"),
        ([], False, "of which there is none: any branch may use it"),
        (["main", "release"], False, "every protected branch, such as 'main', 'release'"),
    ],
)
def test_a_rule_by_protection_is_as_good_as_the_branches_that_have_it(
    answers: GitHub, protected: list[str], fine: bool, detail: str
) -> None:
    answers.environment(BY_PROTECTION)
    answers.answer(PROTECTED, [{"name": name} for name in protected])
    assert environment().ok is fine
    assert environment().detail.endswith(detail)


def test_an_environment_that_is_not_there_would_be_made_by_any_branch(answers: GitHub) -> None:
    answers.forget(ENVIRONMENT)
    assert not environment().ok
    assert "of any branch, would make it" in environment().detail


def test_the_branch_is_the_default_one_and_protected(answers: GitHub) -> None:
    answers.answer(f"{REPOSITORY}/branches/main", {"name": "main", "protected": False})
    assert not found()["branch main"].ok
    answers.answer(REPOSITORY, {"default_branch": "trunk"})
    other = found()["branch main"]
    assert not other.ok
    assert (other.key, other.remedy) == ("github", "write branch: trunk")


def test_a_protected_environment_has_reviewers(answers: GitHub) -> None:
    assert not found(protected=True)["reviewers of dev"].ok
    answers.environment(CUSTOM, "branch_policy", "required_reviewers")
    assert found(protected=True)["reviewers of dev"].ok


@pytest.mark.parametrize("answer", [[], {}, "no", {"default_branch": None}])
def test_what_is_not_understood_is_not_in_order(answers: GitHub, answer: Any) -> None:
    answers.answer(REPOSITORY, answer)
    assert not all(finding.ok for finding in found().values())


@pytest.mark.parametrize("policy", [{}, [], "all", {"custom_branch_policies": True}])
def test_a_policy_of_another_shape_is_not_in_order(answers: GitHub, policy: Any) -> None:
    answers.environment(policy)
    answers.answer(POLICIES, {})
    assert not all(finding.ok for finding in found().values())


def test_without_gh_or_its_login_nothing_is_said_to_be_in_order(
    answers: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gh").write_text("#!/bin/sh\necho 'gh auth login' >&2; exit 4\n")
    (finding,) = found().values()
    assert not finding.ok
    assert "gh auth login" in finding.detail
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    (finding,) = found().values()
    assert not finding.ok
    assert "gh is missing" in finding.detail
    assert "gh auth login" in finding.remedy


def test_an_environment_that_no_workflow_deploys_is_not_asked_for(answers: GitHub) -> None:
    assert found(github=None) == {}
