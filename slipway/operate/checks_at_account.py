"""The checks before a deploy, with the same rights as the deploy itself."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from slipway.aws.account import AwsAccount
from slipway.model import Environment
from slipway.model.document import Document, read
from slipway.model.problems import Problem
from slipway.operate import checks

LOOKUP_ROLE = "arn:aws:iam::{account}:role/cdk-hnb659fds-lookup-role-{account}-{region}"


def problems(
    root: Path, environment: Environment, profile: str | None, *, hub: bool
) -> Iterator[Problem]:
    """Each at its line. What cannot be read is said on standard error and is no problem."""
    name = f"environments/{environment.name}.yaml"
    document = read(root / name, name)
    try:
        session = boto3.Session(profile_name=profile, region_name=environment.eks_spec.region)
        if _asks_for_a_code(session):
            _notice(environment, "your profile would ask for its code twice; see `slipway doctor`")
            return
        place, refused = _reader(environment, session, document)
    except BotoCoreError as error:
        _notice(environment, error)
        return
    if refused:
        yield refused
    elif place:
        yield from _failed(place, document, hub=hub)


def _failed(place: AwsAccount, document: Document, *, hub: bool) -> Iterator[Problem]:
    for check in (checks.zones, checks.hosted_zone, checks.images)[: None if hub else 1]:
        try:
            found = list(check(place))
        except (BotoCoreError, ClientError) as error:
            _notice(place.environment, f"{check.__name__.replace('_', ' ')}: {error}")
            continue
        for finding in found:
            if not finding.ok:
                message = f"{finding.name}: {finding.detail}"
                yield document.problem((finding.key,), message, finding.remedy)


def _reader(
    environment: Environment, session: boto3.Session, document: Document
) -> tuple[AwsAccount | None, Problem | None]:
    """Who may look into the environment's account: its bootstrap's look-up role, as for the CDK
    CLI, or these credentials if they are of the same account."""
    own = AwsAccount(environment, session=session)
    spec, sts = own.spec, own.client("sts")
    role = LOOKUP_ROLE.format(account=spec.account, region=spec.region)
    try:
        lent = sts.assume_role(RoleArn=role, RoleSessionName="slipway")["Credentials"]
    except ClientError:
        pass
    else:
        reader = boto3.Session(
            region_name=spec.region,
            aws_access_key_id=lent["AccessKeyId"],
            aws_secret_access_key=lent["SecretAccessKey"],
            aws_session_token=lent["SessionToken"],
        )
        return AwsAccount(environment, session=reader), None
    try:
        account = sts.get_caller_identity()["Account"]
    except ClientError as error:
        _notice(environment, error)
        return None, None
    if account == spec.account:
        return own, None
    message = f"is {spec.account}, your credentials are for {account} and may not take its roles"
    hint = f"log in to {spec.account}, or bootstrap it with --trust {account}"
    return None, document.problem(("account",), message, hint)


def _asks_for_a_code(session: boto3.Session) -> bool:
    """Whether a profile on the way to the credentials has a second factor: the CDK CLI has asked
    for it a moment ago, and does not hand over what it got."""
    profiles: Mapping[str, Any] = session._session.full_config.get("profiles", {})
    name: str | None = session.profile_name
    seen = set[str]()
    while name and name not in seen:
        seen.add(name)
        profile = profiles.get(name, {})
        if "mfa_serial" in profile:
            return True
        name = profile.get("source_profile")
    return False


def _notice(environment: Environment, why: object) -> None:
    print(f"{environment.name} is deployed without being checked before: {why}", file=sys.stderr)
