"""What a deploy would fail on, found in the environment's account before CloudFormation starts.

Why it is asked at synthesis, and as whom: docs/decisions/0019-stacks-as-the-field-writes-them.md
"""

import os
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from slipway import facts
from slipway.aws.account import AwsAccount
from slipway.model import EksSpec, Environment
from slipway.model.document import Document, read
from slipway.model.problems import Problem
from slipway.operate import checks
from slipway.operate.checks import Finding

CHECKS: tuple[tuple[str, Callable[[AwsAccount], Iterator[Finding]]], ...] = (
    (facts.NETWORK_STACK, checks.zones),
    (facts.HUB_STACK, checks.hosted_zone),
    (facts.HUB_STACK, checks.images),
)
"""By the stack whose deploy would fail."""

FIRST_STACKS = frozenset({facts.REGISTRY_STACK, facts.NETWORK_STACK})
"""Every deploy is of one of them or of a stack that needs one."""

IMPATIENT = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 2})
"""For the first call: a machine without a network shall not wait for the others."""


def problems(
    root: Path, environment: Environment, stacks: Collection[str]
) -> Iterator[tuple[str, Problem]]:
    """What is wrong for which of these stacks, at the line of the environment's file.

    What cannot be read is printed on standard error and is no problem: CloudFormation will say
    what is wrong, only later.
    """
    name = facts.environment_file(environment.name)
    document = read(root / name, name)
    try:
        account = _account_at_hand(environment)
        if account is None:
            return
        aws = _reader(environment, account)
    except (BotoCoreError, ClientError) as error:
        _notice(environment, error)
        return
    if aws is None:
        for stack in FIRST_STACKS & set(stacks):
            yield stack, _other_account(environment.eks_spec, account, document)
        return
    for stack, check in CHECKS:
        if stack in stacks:
            for problem in _failed(aws, check, document):
                yield stack, problem


def _failed(
    aws: AwsAccount, check: Callable[[AwsAccount], Iterator[Finding]], document: Document
) -> Iterator[Problem]:
    try:
        findings = list(check(aws))
    except (BotoCoreError, ClientError) as error:
        _notice(aws.environment, f"{check.__name__.replace('_', ' ')}: {error}")
        return
    for finding in findings:
        if not finding.ok:
            message = f"{finding.name}: {finding.detail}"
            yield document.problem((finding.key,), message, finding.remedy)


def _account_at_hand(environment: Environment) -> str | None:
    """The account of the credentials, if they are those of the CDK CLI that started this program.

    Raises botocore's errors.
    """
    core = botocore.session.Session()
    if _has_second_factor(core):
        _notice(environment, "your profile would ask for its code twice; see `slipway doctor`")
        return None
    session = boto3.Session(botocore_session=core)
    sts = session.client("sts", environment.eks_spec.region, config=IMPATIENT)
    account: str = sts.get_caller_identity()["Account"]
    cli_account = os.environ["CDK_DEFAULT_ACCOUNT"]
    if account != cli_account:
        _notice(
            environment,
            f"the CDK CLI is logged in to {cli_account} and does not hand that on; "
            "set AWS_PROFILE in place of --profile",
        )
        return None
    return account


def _reader(environment: Environment, account: str) -> AwsAccount | None:
    """The environment's account through the look-up role of its bootstrap, as the CDK CLI has it,
    or through these credentials, if they are of that account."""
    own = AwsAccount(environment)
    spec = own.spec
    role = facts.bootstrap_role_arn("lookup", spec.account, spec.region)
    try:
        lent = own.client("sts").assume_role(RoleArn=role, RoleSessionName="slipway")
    except ClientError:
        return own if account == spec.account else None
    credentials = lent["Credentials"]
    session = boto3.Session(
        region_name=spec.region,
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )
    return AwsAccount(environment, session=session)


def _other_account(spec: EksSpec, account: str, document: Document) -> Problem:
    return document.problem(
        ("account",),
        f"is {spec.account}, your credentials are for {account} and may not take its roles",
        f"log in to {spec.account}, or bootstrap it with --trust {account}",
    )


def _has_second_factor(session: botocore.session.Session) -> bool:
    """Whether a profile on the way to the credentials asks for a code: the CDK CLI has asked for
    it a moment ago, and does not hand over what it got."""
    profiles: Mapping[str, Any] = session.full_config.get("profiles", {})
    name: str | None = session.profile or "default"
    seen = set[str]()
    while name and name not in seen:
        seen.add(name)
        profile = profiles.get(name, {})
        if "mfa_serial" in profile:
            return True
        name = profile.get("source_profile")
    return False


def _notice(environment: Environment, why: object) -> None:
    print(f"{environment.name} is not checked against its account: {why}", file=sys.stderr)
