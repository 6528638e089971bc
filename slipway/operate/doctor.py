"""`slipway doctor`: whether this machine and an environment's account are ready for a deploy."""

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from slipway import facts
from slipway.aws.account import AwsAccount
from slipway.images.oci.descriptors import RegistryError
from slipway.images.registry import skopeo
from slipway.model import Environment
from slipway.operate.addons import versions_of
from slipway.operate.checks import Finding, hosted_zone, images, zones
from slipway.operate.github import rules
from slipway.steps import StepError

BOOTSTRAP_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
BOOTSTRAP_VERSION = 21
"""The oldest with which the pinned CDK CLI can deploy these stacks."""
SYSTEM_VCPUS = 16
"""Of nodes beside the users'."""

Check = Callable[[AwsAccount], Iterator[Finding]]


def examine(environment: Environment | None) -> list[Finding]:
    """Findings about this machine; with an environment, about its repository and account too."""
    found = list(_tools())
    if environment is None:
        return found
    aws = AwsAccount(environment)
    found += _findings(rules, aws)
    try:
        found.append(Finding("account", True, aws.check()))
    except StepError as error:
        message, _, remedy = str(error).rpartition(": ")
        return [*found, Finding("account", False, message, remedy)]
    for check in (zones, _bootstrap, hosted_zone, _github, images, _quotas, _addons):
        found += _findings(check, aws)
    return found


def _findings(check: Check, aws: AwsAccount) -> list[Finding]:
    """Of a check, with the line of the environment's file before each remedy."""
    file = facts.environment_file(aws.name)
    try:
        return [
            replace(finding, remedy=f"{file}: {finding.key}: {finding.remedy}")
            if finding.key
            else finding
            for finding in check(aws)
        ]
    except (BotoCoreError, ClientError) as error:
        name = check.__name__.strip("_").replace("_", " ")
        return [Finding(name, False, f"could not be read: {error}", "ask for the right to read it")]


def _tools() -> Iterator[Finding]:
    own = str(Path(sys.executable).parent)
    for tool in ("cdk", "kubectl"):
        found = shutil.which(tool, path=own) or shutil.which(tool)
        yield Finding(tool, bool(found), found or "is missing", "run `make setup`")
    try:
        yield Finding("skopeo", True, skopeo.version())
    except RegistryError as error:
        yield Finding("skopeo", False, "is missing or too old", str(error))


def _bootstrap(aws: AwsAccount) -> Iterator[Finding]:
    remedy = f"run `cdk bootstrap aws://{aws.spec.account}/{aws.spec.region}`"
    try:
        found = aws.client("ssm").get_parameter(Name=BOOTSTRAP_PARAMETER)["Parameter"]["Value"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ParameterNotFound":
            raise
        yield Finding("bootstrap", False, "was not done in this account and region", remedy)
        return
    yield Finding("bootstrap", int(found) >= BOOTSTRAP_VERSION, f"version {found}", remedy)


def _github(aws: AwsAccount) -> Iterator[Finding]:
    """An account can have one identity provider for GitHub: a second one fails to deploy."""
    if not aws.spec.github:
        return
    listed = aws.client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]
    found = [entry["Arn"] for entry in listed if entry["Arn"].endswith(f"/{facts.GITHUB_TOKENS}")]
    exists, ours = bool(found), any(_is_ours(aws, arn) for arn in found)
    reused = aws.spec.github.provider == "existing"
    yield Finding(
        "GitHub's identity provider",
        exists if reused else (not exists or ours),
        "is there" if exists else "is not there",
        f"write provider: {'existing' if exists else 'create'}",
        "github",
    )


def _is_ours(aws: AwsAccount, provider: str) -> bool:
    """Whether it has the tag of this environment's own stack."""
    tags = aws.client("iam").list_open_id_connect_provider_tags(OpenIDConnectProviderArn=provider)
    return {"Key": facts.ENVIRONMENT_TAG, "Value": aws.name} in tags["Tags"]


def _quotas(aws: AwsAccount) -> Iterator[Finding]:
    """https://docs.aws.amazon.com/general/latest/gr/aws-service-information.html"""
    spec = aws.spec
    gateways = {"none": 0, "one": 1, "per-zone": len(spec.zones)}[spec.network.nat]
    vcpus = sum(pool.max_cpu for pool in spec.nodes.values() if not pool.gpus) + SYSTEM_VCPUS
    for service, code, what, wanted in (
        ("ec2", "L-1216C47A", "vCPUs of on-demand instances", vcpus),
        ("ec2", "L-0263D0A3", "elastic IP addresses", gateways),
        ("vpc", "L-F678F1CE", "VPCs", 1),
    ):
        quotas = aws.client("service-quotas")
        value = quotas.get_service_quota(ServiceCode=service, QuotaCode=code)["Quota"]["Value"]
        yield Finding(
            f"quota of {what}",
            value >= wanted,
            f"{value:.0f}, this environment may use {wanted}",
            f"ask for more: `aws service-quotas request-service-quota-increase --service-code "
            f"{service} --quota-code {code} --desired-value {wanted}`",
        )


def _addons(aws: AwsAccount) -> Iterator[Finding]:
    """A release pins its add-ons; the working tree may take EKS's default of the day."""
    versions = aws.environment.versions
    for addon in facts.ADDONS:
        pinned = versions.addons.get(addon)
        known = versions_of(aws, addon, versions.kubernetes)
        offered = [offer["addonVersion"] for offer in known]
        detail = pinned or f"not pinned; EKS has {offered[0] if offered else 'none'}"
        remedy = f"`slipway addons {aws.name}` pins what EKS has for {versions.kubernetes}"
        ok = bool(offered) and pinned in (None, *offered)
        yield Finding(f"add-on {addon}", ok, detail, remedy)
