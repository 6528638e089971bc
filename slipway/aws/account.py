"""An environment's AWS account, and whether these credentials lead there."""

import os
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from slipway.model import Environment
from slipway.steps import StepError

LONG_LIVED = ("registry", "network", "data", "pipeline")
DISPOSABLE = ("observability", "hub", "cluster")
"""In the order in which they go."""


class AwsAccount:
    """Clients for an environment's account and region.

    `variables` stand in for this process's environment; a rehearsal hands in its own. `session`
    holds other credentials than they do.
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
        self._clients: dict[str, Any] = {}

    @property
    def name(self) -> str:
        return self.environment.name

    @property
    def cluster(self) -> str:
        return f"slipway-{self.name}"

    def stack(self, short: str) -> str:
        return f"{self.name}-{short}"

    def client(self, service: str) -> Any:
        if service not in self._clients:
            endpoint = self.variables.get("AWS_ENDPOINT_URL")
            how = Config(
                retries={"mode": "standard", "max_attempts": 8},
                connect_timeout=10,
                # An emulator is on this machine: no proxy of ours leads there.
                proxies={} if endpoint else None,
            )
            self._clients[service] = self.session.client(service, endpoint_url=endpoint, config=how)
        return self._clients[service]

    def token(self) -> str:
        """For the cluster's Kubernetes API, good for fifteen minutes.

        https://github.com/kubernetes-sigs/aws-iam-authenticator#api-authorization-from-outside-a-cluster
        """
        from slipway.aws.cluster import signed_token

        return signed_token(self.session, self.spec.region, self.cluster)

    def check(self) -> str:
        """Refuse to go on in another account. Raises StepError."""
        file = f"environments/{self.name}.yaml"
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


def is_missing(error: ClientError) -> bool:
    code = error.response["Error"]["Code"]
    return "NotFound" in code or "does not exist" in error.response["Error"].get("Message", "")
