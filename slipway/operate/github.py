"""Checks of what GitHub lets deploy: the branch rule of an environment, and the branch itself.

AWS gives the roles to jobs of that branch alone (`stacks/pipeline.py`). The environment's rule says
so a second time; the branch's own says who may change what is deployed.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from slipway.aws.account import AwsAccount
from slipway.model.eks import GitHubActions
from slipway.operate.checks import Finding
from slipway.toolchain import gh

RULES = "https://docs.github.com/en/actions/how-tos/deploy/configure-and-manage-deployments/manage-environments"
NO_RULE = "has no branch rule: a workflow of any branch may use it"
LOG_IN = "run `gh auth login` as somebody who may read the repository's settings"


def rules(aws: AwsAccount) -> Iterator[Finding]:
    """Whether the environment in GitHub is for its branch alone, and the branch is protected.

    What cannot be asked is not in order.
    """
    github = aws.spec.github
    if not github:
        return
    try:
        found = [
            _branch(github),
            *_environment(github, aws.name, reviewed=aws.spec.protected),
        ]
    except (gh.GhError, KeyError, TypeError, AttributeError) as error:
        detail = str(error) if isinstance(error, gh.GhError) else f"not understood: {error!r}"
        found = [Finding("GitHub's rules", False, f"cannot be asked for: {detail}", LOG_IN)]
    yield from found


def _branch(github: GitHubActions) -> Finding:
    """Whoever may push to it unseen deploys."""
    name, repository = f"branch {github.branch}", gh.api(f"repos/{github.repository}")
    default = repository["default_branch"]
    if default != github.branch:
        detail = f"is not the default branch of {github.repository}: that is {default!r}"
        return Finding(name, False, detail, f"write branch: {default}", "github")
    branch = gh.api(f"repos/{github.repository}/branches/{quote(github.branch, safe='')}")
    protected = branch["protected"] is True
    return Finding(
        name,
        protected,
        "is protected" if protected else "can be pushed to without a pull request",
        f"add a ruleset that requires one: https://github.com/{github.repository}/settings/rules",
    )


def _environment(github: GitHubActions, name: str, *, reviewed: bool) -> Iterator[Finding]:
    what = f"GitHub's environment {name}"
    settings = f"https://github.com/{github.repository}/settings/environments"
    limit = f"limit it to the branch {github.branch}: {settings} ({RULES})"
    try:
        found = gh.api(f"repos/{github.repository}/environments/{name}")
    except gh.GhError as error:
        if "HTTP 404" not in str(error):
            raise
        detail = "is not there: the first workflow that names it, of any branch, would make it"
        yield Finding(what, False, detail, f"make it, and {limit}")
        return
    problem = _open_to(github, name, found["deployment_branch_policy"])
    yield Finding(what, not problem, problem or f"is for the branch {github.branch} alone", limit)
    if reviewed:
        kinds = [rule["type"] for rule in found["protection_rules"]]
        there = "required_reviewers" in kinds
        detail = "are asked" if there else "are not asked, and the environment is protected"
        remedy = f"name who must approve: {settings}"
        yield Finding(f"reviewers of {name}", there, detail, remedy)


def _open_to(github: GitHubActions, name: str, policy: dict[str, Any] | None) -> str:
    """What the branch rule lets in beside the one branch; nothing if it lets in that alone."""
    if policy is None:
        return NO_RULE
    if policy["custom_branch_policies"]:
        listed = gh.api(f"repos/{github.repository}/environments/{name}/deployment-branch-policies")
        allowed = [(rule.get("type", "branch"), rule["name"]) for rule in listed["branch_policies"]]
        if allowed == [("branch", github.branch)] and listed["total_count"] == 1:
            return ""
        named = ", ".join(f"{kind} {pattern!r}" for kind, pattern in allowed)
        return f"is open to {named or 'no branch'}"
    if not policy["protected_branches"]:
        return NO_RULE
    # Where no branch is protected, GitHub takes this rule for none.
    protected = gh.api(f"repos/{github.repository}/branches?protected=true&per_page=2")
    names = [branch["name"] for branch in protected]
    if names == [github.branch]:
        return ""
    if not names:
        return "is for protected branches, of which there is none: any branch may use it"
    return f"is open to every protected branch, such as {', '.join(map(repr, names))}"
