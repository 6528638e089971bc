"""Access to the environments of a promotion: with whose credentials, and to which registry."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.facts import WORKING_TREE, environment_file, promotion_role_name
from slipway.images.registry.reference import Reference
from slipway.images.registry.registry import Registry
from slipway.model import Environment, InvalidProject, Problem, Project, document
from slipway.model.release import Release
from slipway.release.records import RecordStore, record_store
from slipway.steps import StepError

if TYPE_CHECKING:
    from slipway.aws.account import AwsAccount

SECONDS = 3600
"""Of an assumed role: the longest that one role may take from another."""


@dataclass(frozen=True)
class EnvironmentAccess:
    """An environment with a release, and its AWS account: None if it is not on AWS."""

    environment: Environment
    root: Path
    aws: "AwsAccount | None"

    @property
    def name(self) -> str:
        return self.environment.name

    @property
    def release(self) -> Release:
        assert self.environment.release
        return self.environment.release

    def records(self) -> RecordStore:
        """Raises StepError, and what boto3 raises."""
        return record_store(self.root, self.environment, self.aws)

    def reference(self, image: str) -> Reference:
        return Reference.parse(self.environment.image_reference(image))

    def registry(self) -> Registry:
        anywhere = Reference.parse(f"{self.environment.cluster_spec.registry}/any")
        return Registry(anywhere, self.aws.session if self.aws else None)

    def holds(self, image: str) -> bool:
        """Whether the image is in this environment's registry, and not somebody else's."""
        registry = f"{self.environment.cluster_spec.registry}/"
        return self.environment.image_reference(image).startswith(registry)


def source_and_target(
    project: Project, source: str, target: str, profiles: tuple[str | None, str | None]
) -> tuple[EnvironmentAccess, EnvironmentAccess]:
    """The two environments of a promotion, both with the release that `source` pins.

    `profiles` name credentials in AWS's configuration, for each. Raises InvalidProject for what
    cannot be promoted, StepError when AWS does not let us in.
    """
    from_, to = project.environment(source), project.environment(target)
    problems = [
        _problem(side.name, "target", "is local: nothing is promoted from or to it", "name others")
        for side in (from_, to)
        if not side.spec.has_cluster
    ]
    if source == target:
        problems.append(_problem(source, "", "is both sides", "name two environments"))
    if from_.release is None:
        hint = "freeze one (`slipway release VERSION`), pin it here, deploy it and test it"
        problems.append(_problem(source, "release", f"{WORKING_TREE} cannot be promoted", hint))
    if problems:
        raise InvalidProject(problems)
    assert from_.release
    to = with_release(project.root, to, from_.release)
    return (
        EnvironmentAccess(from_, project.root, account_access(from_, profiles[0])),
        EnvironmentAccess(to, project.root, account_access(to, profiles[1])),
    )


def with_release(root: Path, environment: Environment, release: Release) -> Environment:
    """The environment as it is with another release pinned.

    Raises InvalidProject where its nodes cannot run that: its file would be refused from then on.
    """
    file = environment_file(environment.name)
    document.read(root / file, file).refuse(environment.spec.misfits(release.catalog))
    return environment.with_release(release)


def account_access(environment: Environment, profile: str | None = None) -> "AwsAccount | None":
    """The AWS account of an environment, with credentials for it; None if it is not on AWS.

    Credentials of another account take the role of `stacks/constructs/promotion_role.py`.
    Raises StepError.
    """
    if not environment.spec.on_aws:
        return None
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    from slipway.aws.account import AwsAccount

    region, account = environment.eks_spec.region, environment.eks_spec.account
    try:
        session = boto3.Session(profile_name=profile, region_name=region)
        aws = AwsAccount(environment, os.environ, session)
        if aws.client("sts").get_caller_identity()["Account"] == account:
            return aws
        role = f"arn:aws:iam::{account}:role/{promotion_role_name(environment.name)}"
        taken = aws.client("sts").assume_role(
            RoleArn=role, RoleSessionName="slipway-promote", DurationSeconds=SECONDS
        )["Credentials"]
    except (BotoCoreError, ClientError) as error:
        raise StepError(
            f"{environment.name}: no credentials for its account {account} ({error}): log in "
            "there, name a profile of yours (docs/promote.md), or deploy its data stack with "
            "promotion.to"
        ) from error
    session = boto3.Session(
        taken["AccessKeyId"], taken["SecretAccessKey"], taken["SessionToken"], region_name=region
    )
    return AwsAccount(environment, os.environ, session)


def _problem(environment: str, path: str, message: str, hint: str) -> Problem:
    return Problem(environment_file(environment), 1, 1, path, message, hint)
