"""The AWS account of an environment: boto3 clients for it, and whether these credentials fit."""

import os
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any, TypeVar, cast

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from slipway import facts
from slipway.model import Environment
from slipway.steps import StepError

Factory = TypeVar("Factory", bound=Callable[..., Any])


class AwsAccount:
    """Account and region of an environment.

    `client("ec2")` returns boto3's client, typed by types-boto3, the same one at every call.
    `variables` take the place of this process's environment variables: a rehearsal has its own.
    `session` has other credentials than those of `variables`.
    """

    def __init__(
        self,
        environment: Environment,
        variables: Mapping[str, str] = os.environ,
        session: boto3.Session | None = None,
    ) -> None:
        self.environment, self.spec = environment, environment.eks_spec
        self.variables = variables
        self.session = session or _session(self.spec.region, variables)
        endpoint = variables.get("AWS_ENDPOINT_URL")
        self.client = _cached(
            self.session.client,
            endpoint_url=endpoint,
            config=Config(
                retries={"mode": "standard", "max_attempts": 8},
                connect_timeout=10,
                # An emulator is on this machine: no proxy leads there.
                proxies={} if endpoint else None,
            ),
        )

    @property
    def name(self) -> str:
        """Of the environment."""
        return self.environment.name

    @property
    def cluster(self) -> str:
        """Name of the EKS cluster."""
        return facts.cluster_name(self.name)

    def stack(self, stack: str) -> str:
        """What CloudFormation calls one of `facts.STACKS`."""
        return facts.stack_name(self.name, stack)

    def check(self) -> str:
        """Make sure that the credentials are of the environment's account. Raises StepError."""
        file = facts.environment_file(self.name)
        try:
            found = self.client("sts").get_caller_identity()["Account"]
        except (NoCredentialsError, ClientError) as error:
            raise StepError(
                f"no credentials for AWS ({error}): log in, then run this again"
            ) from error
        except BotoCoreError as error:
            raise StepError(
                f"AWS cannot be asked ({error}): mend that, then run this again"
            ) from error
        if found != self.spec.account:
            raise StepError(
                f"{file}: account: is {self.spec.account}, these credentials are for {found}: "
                "log in to the environment's account"
            )
        return f"account {found}, region {self.spec.region}"


def _session(region: str, variables: Mapping[str, str]) -> boto3.Session:
    if variables is os.environ:
        return boto3.Session(region_name=region)
    return boto3.Session(
        region_name=region,
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
    )


def _cached(create: Factory, **options: Any) -> Factory:
    """`boto3.Session.client` with these options and one client per service; its types stay."""

    return cast(Factory, cache(partial(create, **options)))


def is_missing(error: ClientError) -> bool:
    """Whether AWS says that something does not exist."""
    code = error.response["Error"]["Code"]
    return "NotFound" in code or "does not exist" in error.response["Error"].get("Message", "")
