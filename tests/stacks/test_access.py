"""Who may pull, deploy and look."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from slipway.model.eks import GitHubActions, GitHubIds
from tests.stacks.conftest import Assembly, listed


def roles(assembly: Assembly) -> dict[str, dict[str, Any]]:
    found = assembly.resources("pipeline", "AWS::IAM::Role").values()
    return {r["Properties"]["RoleName"]: r["Properties"] for r in found}


def allowed(assembly: Assembly, role: str) -> dict[str, Any]:
    """Resources by action."""
    found: dict[str, list[Any]] = {}
    for statement in statements(assembly, role):
        for action in listed(statement["Action"]):
            found.setdefault(action, []).extend(listed(statement["Resource"]))
    return found


def statements(assembly: Assembly, role: str) -> list[dict[str, Any]]:
    logical = role.replace("-", "")
    (policy,) = (
        r["Properties"]
        for i, r in assembly.resources("pipeline", "AWS::IAM::Policy").items()
        if i.startswith(logical)
    )
    found: list[dict[str, Any]] = policy["PolicyDocument"]["Statement"]
    return found


def trusted(role: dict[str, Any]) -> dict[str, str]:
    """The claims that a token must have, by name: exactly these values, no pattern."""
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    ((operator, claims),) = statement["Condition"].items()
    assert operator == "StringEquals"
    issuer = "token.actions.githubusercontent.com:"
    assert all(claim.startswith(issuer) for claim in claims)
    return {claim.removeprefix(issuer): value for claim, value in claims.items()}


def test_only_the_default_branchs_jobs_in_the_environment_deploy(assembly: Assembly) -> None:
    """Every branch may name an environment that has no branch rule: AWS asks for the branch."""
    name, github = assembly.environment.name, assembly.environment.eks_spec.github
    assert github
    assert trusted(roles(assembly)[f"slipway-{name}-deploy"]) == {
        "aud": "sts.amazonaws.com",
        "sub": f"repo:{github.repository}:environment:{name}",
        "ref": "refs/heads/main",
    }


def test_what_builds_images_can_push_them_and_nothing_else(assembly: Assembly) -> None:
    name, spec = assembly.environment.name, assembly.environment.eks_spec
    assert spec.github
    found = roles(assembly)
    assert set(found) - {f"slipway-{name}-deploy"} == (
        set() if spec.promotion.source else {f"slipway-{name}-push"}
    ), "images reach an environment that is promoted to after its reviewers said yes"
    if spec.promotion.source:
        return
    assert trusted(found[f"slipway-{name}-push"]) == {
        "aud": "sts.amazonaws.com",
        "sub": f"repo:{spec.github.repository}:ref:refs/heads/main",
        "ref": "refs/heads/main",
    }, "no environment: with one, its job could take the deploy role"
    may = allowed(assembly, f"slipway-{name}-push")
    ours = [f"arn:aws:ecr:{spec.region}:{spec.account}:repository/slipway/*"]
    assert may.pop("ecr:GetAuthorizationToken") == ["*"]
    assert {action for action in may if not action.startswith("ecr:")} == set()
    assert all(resources == ours for resources in may.values())
    assert "ecr:PutImage" in may
    assert not any("Delete" in action or "Policy" in action for action in may)


def test_a_tag_with_the_branchs_name_is_another_ref() -> None:
    github = GitHubActions(repository="octocat/my-repo", branch="trunk")
    assert github.ref == "refs/heads/trunk"


@pytest.mark.parametrize("branch", ["*", "main*", "ma?n", "${x}", "refs heads", "", "main/"])
def test_a_pattern_is_no_branch(branch: str) -> None:
    with pytest.raises(ValidationError, match="is not a branch"):
        GitHubActions(repository="octocat/my-repo", branch=branch)


def test_a_repository_with_ids_is_known_by_them_alone() -> None:
    """https://docs.github.com/en/actions/reference/security/oidc: exact, both ids, no pattern."""
    ids = GitHubIds(owner=123456, repository=456789)
    github = GitHubActions(repository="octocat/my-repo", ids=ids)
    assert github.subject == "repo:octocat@123456/my-repo@456789"
    assert GitHubActions(repository="octocat/my-repo").subject == "repo:octocat/my-repo"


def test_a_deploy_takes_cdks_roles_and_pushes_to_our_repositories(assembly: Assembly) -> None:
    spec = assembly.environment.eks_spec
    may = allowed(assembly, f"slipway-{assembly.environment.name}-deploy")
    taken = [role for role in may["sts:AssumeRole"] if ":role/cdk-" in role]
    assert {r.split("-")[2] for r in taken} == {"deploy", "file", "image", "lookup"}
    others = set(may["sts:AssumeRole"]) - set(taken)
    source = spec.promotion.source
    assert others == ({f"arn:aws:iam::{source}:role/slipway-*-promotion"} if source else set())
    assert may["ecr:PutImage"] == [f"arn:aws:ecr:{spec.region}:{spec.account}:repository/slipway/*"]
    assert set(may["ecr:GetAuthorizationToken"]) == {"*"}
    services = ("ecr:", "sts:AssumeRole", "s3:", "kms:", "cloudformation:", "secretsmanager:Get")
    assert all(action.startswith(services) for action in may)


def test_images_are_pulled_from_the_account_before_and_by_the_one_after(assembly: Assembly) -> None:
    spec = assembly.environment.eks_spec
    may = allowed(assembly, f"slipway-{assembly.environment.name}-deploy")["ecr:BatchGetImage"]
    assert any(f":{spec.promotion.source}:" in arn for arn in may) is bool(spec.promotion.source)
    repositories = assembly.resources("registry", "AWS::ECR::Repository")
    assert repositories
    for repository in repositories.values():
        policy = repository["Properties"].get("RepositoryPolicyText")
        assert bool(policy) is bool(spec.promotion.to)
        if policy:
            (statement,) = policy["Statement"]
            assert statement["Condition"] == {
                "ArnLike": {
                    "aws:PrincipalArn": [
                        f"arn:aws:iam::{account}:role/slipway-*-deploy"
                        for account in spec.promotion.to
                    ]
                }
            }
            assert not any("Put" in a or "Upload" in a for a in statement["Action"])


def test_no_image_that_a_release_could_name_expires(assembly: Assembly) -> None:
    assembly.template("registry").all_resources_properties(
        "AWS::ECR::Repository",
        {
            "ImageScanningConfiguration": {"ScanOnPush": True},
            "EncryptionConfiguration": {"EncryptionType": "KMS"},
            "ImageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
        },
    )
    for repository in assembly.resources("registry", "AWS::ECR::Repository").values():
        policy = repository["Properties"]["LifecyclePolicy"]["LifecyclePolicyText"]
        (rule,) = json.loads(policy)["rules"]
        assert rule["selection"]["tagPatternList"] == ["cache-*"]
