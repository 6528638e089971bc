"""What those who promote may see, and who may keep records."""

from typing import Any

from tests.stacks.conftest import Assembly
from tests.stacks.test_access import statements


def promotion_policy(assembly: Assembly) -> list[dict[str, Any]]:
    found = assembly.resources("data", "AWS::IAM::Policy")
    return next(
        (
            policy["Properties"]["PolicyDocument"]["Statement"]
            for name, policy in found.items()
            if name.startswith("promotion")
        ),
        [],
    )


def test_who_promotes_from_here_sees_what_runs_and_changes_nothing(assembly: Assembly) -> None:
    spec: Any = assembly.environment.spec
    roles = [
        role["Properties"]
        for role in assembly.resources("data", "AWS::IAM::Role").values()
        if str(role["Properties"].get("RoleName", "")).endswith("-promotion")
    ]
    assert len(roles) == bool(spec.promotion.to)
    for role in roles:
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Condition"]["ArnLike"]["aws:PrincipalArn"] == [
            f"arn:aws:iam::{account}:role/slipway-*-deploy" for account in spec.promotion.to
        ]
    for statement in promotion_policy(assembly):
        actions = statement["Action"]
        for action in [actions] if isinstance(actions, str) else actions:
            verb = action.partition(":")[2]
            assert verb.startswith(("Get", "List", "Describe", "Detect", "Batch", "Decrypt")), (
                action
            )


def test_a_record_is_read_below_its_prefix_and_never_written_again(assembly: Assembly) -> None:
    found = [
        *promotion_policy(assembly),
        *statements(assembly, f"slipway-{assembly.environment.name}-deploy"),
    ]
    for statement in found:
        if "s3:GetObject" in statement["Action"] or "s3:PutObject" in statement["Action"]:
            assert statement["Resource"]["Fn::Join"][1][-1].endswith("/records/*")
        if "s3:ListBucket" in statement["Action"]:
            assert statement["Condition"] == {"StringLike": {"s3:prefix": "records/*"}}
        if "s3:PutObject" in statement["Action"]:
            assert statement["Condition"] == {"Null": {"s3:if-none-match": "false"}}


def test_a_deploy_has_the_token_of_smoke_and_no_other_secret(assembly: Assembly) -> None:
    name = assembly.environment.name
    (may,) = [
        statement
        for statement in statements(assembly, f"slipway-{name}-deploy")
        if "secretsmanager:" in str(statement["Action"])
    ]
    assert may["Action"] == "secretsmanager:GetSecretValue"
    assert "smoketoken" in str(may["Resource"])
