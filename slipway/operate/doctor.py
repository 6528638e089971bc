"""`slipway doctor`: whether this machine and an environment's account are ready for a deploy.

Each check answers for one thing that CloudFormation would fail on, some after half an hour.
"""

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from slipway.aws.account import AwsAccount
from slipway.facts import ADDONS
from slipway.model import Environment
from slipway.operate.checks import Finding, hosted_zone, images, zones
from slipway.operate.leftovers import ENVIRONMENT_TAG
from slipway.steps import StepError

BOOTSTRAP_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
BOOTSTRAP_VERSION = 21
"""The oldest that the pinned CDK CLI deploys with everything we use."""
GITHUB = "token.actions.githubusercontent.com"
QUOTAS = (
    ("ec2", "L-1216C47A", "vCPUs of on-demand instances"),
    ("ec2", "L-0263D0A3", "elastic IP addresses"),
    ("vpc", "L-F678F1CE", "VPCs"),
)
"""https://docs.aws.amazon.com/general/latest/gr/aws-service-information.html"""


Check = Callable[[AwsAccount], Iterator[Finding]]


def examine(root: Path, environment: Environment | None) -> list[Finding]:
    """`root` is the project's folder. Without an environment only this machine is looked at."""
    found = list(_tools())
    if environment is None:
        return found
    aws = AwsAccount(environment)
    try:
        found.append(Finding("account", True, aws.check()))
    except StepError as error:
        message, _, remedy = str(error).rpartition(": ")
        return [*found, Finding("account", False, message, remedy)]
    for check in (zones, _bootstrap, hosted_zone, _github, images, _quotas, _addons):
        found += _answers(check, aws)
    return found


def _answers(check: Check, aws: AwsAccount) -> list[Finding]:
    name = check.__name__.strip("_").replace("_", " ")
    try:
        return [_at_its_place(found, aws) for found in check(aws)]
    except (BotoCoreError, ClientError) as error:
        return [Finding(name, False, f"could not be read: {error}", "ask for the right to read it")]


def _at_its_place(found: Finding, aws: AwsAccount) -> Finding:
    where = f"environments/{aws.name}.yaml: {found.key}: " if found.key else ""
    return replace(found, remedy=where + found.remedy)


def _tools() -> Iterator[Finding]:
    own = str(Path(sys.executable).parent)
    for tool in ("cdk", "kubectl"):
        there = shutil.which(tool, path=own) or shutil.which(tool)
        yield Finding(tool, bool(there), there or "is missing", "run `make setup`")


def _bootstrap(aws: AwsAccount) -> Iterator[Finding]:
    remedy = f"run `cdk bootstrap aws://{aws.spec.account}/{aws.spec.region}`"
    try:
        found = aws.client("ssm").get_parameter(Name=BOOTSTRAP_PARAMETER)["Parameter"]["Value"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ParameterNotFound":
            raise
        yield Finding("bootstrap", False, "was not done in this account and region", remedy)
        return
    enough = int(found) >= BOOTSTRAP_VERSION
    yield Finding("bootstrap", enough, f"version {found}", remedy)


def _github(aws: AwsAccount) -> Iterator[Finding]:
    """An account has one provider per address: a second one fails the pipeline's stack."""
    if not aws.spec.github:
        return
    iam = aws.client("iam")
    listed = iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    found = [one["Arn"] for one in listed if one["Arn"].endswith(f"/{GITHUB}")]
    there, ours = bool(found), any(_is_ours(aws, arn) for arn in found)
    asked = aws.spec.github.provider
    fits = there if asked == "existing" else (not there or ours)
    yield Finding(
        "GitHub's identity provider",
        fits,
        "is there" if there else "is not there",
        f"write provider: {'existing' if there else 'create'}",
        "github",
    )


def _is_ours(aws: AwsAccount, provider: str) -> bool:
    """Made by this environment's own stack, whose tags it has."""
    tags = aws.client("iam").list_open_id_connect_provider_tags(OpenIDConnectProviderArn=provider)[
        "Tags"
    ]
    return {"Key": ENVIRONMENT_TAG, "Value": aws.name} in tags


def _quotas(aws: AwsAccount) -> Iterator[Finding]:
    spec = aws.spec
    gateways = {"none": 0, "one": 1, "per-zone": len(spec.zones)}[spec.network.nat]
    vcpus = sum(pool.max_cpu for pool in spec.nodes.values() if not pool.gpus) + 16
    for (service, code, what), wanted in zip(QUOTAS, (vcpus, gateways, 1), strict=True):
        quota = aws.client("service-quotas").get_service_quota(ServiceCode=service, QuotaCode=code)
        value = quota["Quota"]["Value"]
        yield Finding(
            f"quota of {what}",
            value >= wanted,
            f"{value:.0f}, this environment may use {wanted}",
            f"ask for more: `aws service-quotas request-service-quota-increase --service-code "
            f"{service} --quota-code {code} --desired-value {wanted}`",
        )


def _addons(aws: AwsAccount) -> Iterator[Finding]:
    """A release pins them; the working tree takes EKS's default, which is fine until it changes."""
    versions = aws.environment.versions
    for addon in ADDONS:
        pinned = versions.addons.get(addon)
        known = aws.client("eks").describe_addon_versions(
            addonName=addon, kubernetesVersion=versions.kubernetes
        )["addons"]
        offered = [one["addonVersion"] for part in known for one in part["addonVersions"]]
        detail = pinned or f"not pinned; EKS has {offered[0] if offered else 'none'}"
        remedy = f"`slipway addons {aws.name}` pins what EKS has for {versions.kubernetes}"
        yield Finding(
            f"add-on {addon}", bool(offered) and pinned in (None, *offered), detail, remedy
        )
