"""What those who promote may see, and who may keep records."""

from typing import Any

from tests.stacks.conftest import Assembly, listed
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
    spec = assembly.environment.eks_spec
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
    policy = promotion_policy(assembly)
    assert bool(policy) is bool(spec.promotion.to)
    for statement in policy:
        for action in listed(statement["Action"]):
            verb = action.partition(":")[2]
            assert verb.startswith(("Get", "List", "Describe", "Detect", "Batch", "Decrypt")), (
                action
            )


def test_a_record_is_read_below_its_prefix_and_never_written_again(assembly: Assembly) -> None:
    found = [
        *promotion_policy(assembly),
        *statements(assembly, f"slipway-{assembly.environment.name}-deploy"),
    ]
    on_objects = [s for s in found if {"s3:GetObject", "s3:PutObject"} & {*listed(s["Action"])}]
    for statement in on_objects:
        assert statement["Resource"]["Fn::Join"][1][-1].endswith("/records/*")
    lists = [s["Condition"] for s in found if "s3:ListBucket" in listed(s["Action"])]
    readers = 2 if assembly.environment.eks_spec.promotion.to else 1
    assert lists == [{"StringLike": {"s3:prefix": "records/*"}}] * readers
    puts = [s["Condition"] for s in on_objects if "s3:PutObject" in listed(s["Action"])]
    assert puts == [{"Null": {"s3:if-none-match": "false"}}]


def test_a_deploy_has_the_token_of_smoke_and_no_other_secret(assembly: Assembly) -> None:
    name = assembly.environment.name
    (may,) = [
        statement
        for statement in statements(assembly, f"slipway-{name}-deploy")
        if "secretsmanager:" in str(statement["Action"])
    ]
    assert may["Action"] == "secretsmanager:GetSecretValue"
    assert "smoketoken" in str(may["Resource"])
