"""The CloudFormation resources of an environment, synthesized offline, or as they are deployed.

Kubernetes objects among them are taken out: they are compared as what they are.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from slipway.facts import HUB_STACK, RELEASE_TAG
from slipway.installation import INSTALLATION
from slipway.model import Environment
from slipway.release.diff.changes import Objects
from slipway.release.diff.kubernetes import full_name, without_secrets

if TYPE_CHECKING:
    from slipway.aws.account import AwsAccount

KUBERNETES = "Custom::AWSCDK-EKS-KubernetesResource"
IGNORED = ("Metadata",)
"""Of a resource: CDK's own notes."""


def synthesized(root: Path, environment: Environment) -> Objects:
    """By stack, type and logical id, without asking AWS. Starts Node."""
    from aws_cdk import App

    from stacks.environment_stage import EnvironmentStage

    with TemporaryDirectory(prefix="slipway-synth-") as folder:
        app = App(
            outdir=folder,
            context=_context(root),
            tree_metadata=False,
            builtin_cloud_formation_validation=False,
        )
        EnvironmentStage(app, environment.name, environment=environment)
        app.synth()
        return _templates(Path(folder, f"assembly-{environment.name}"))


def _templates(assembly: Path) -> Objects:
    """https://docs.aws.amazon.com/cdk/v2/guide/deploy.html: an assembly's manifest.json."""
    found: dict[tuple[str, str, str], Any] = {}
    for artifact in json.loads((assembly / "manifest.json").read_bytes())["artifacts"].values():
        if artifact["type"] == "aws:cloudformation:stack":
            template = (assembly / artifact["properties"]["templateFile"]).read_bytes()
            found |= _resources(artifact["properties"]["stackName"], json.loads(template))
    return found


def objects_in(resources: Objects) -> Objects:
    """The Kubernetes objects among resources, by stack."""
    return {
        (stack, item["kind"], full_name(item)): without_secrets(item)
        for (stack, kind, _), resource in resources.items()
        if kind == KUBERNETES
        for item in json.loads(resource["Properties"]["Manifest"])
    }


def without_objects(resources: Objects) -> Objects:
    return {key: resource for key, resource in resources.items() if key[1] != KUBERNETES}


def deployed(aws: "AwsAccount", stacks: Iterable[str]) -> Objects:
    """Of these stacks, what is on AWS. Raises StepError for another account, botocore's errors."""
    aws.check()
    found: dict[tuple[str, str, str], Any] = {}
    for stack in sorted(set(stacks)):
        if body := _there(lambda: aws.client("cloudformation").get_template(StackName=stack)):  # noqa: B023
            template = body["TemplateBody"]
            found |= _resources(
                stack, json.loads(template) if isinstance(template, str) else template
            )
    return found


def deployed_release(aws: "AwsAccount") -> str | None:
    """What the hub's stack says it is, if there is one. Raises as `deployed`."""
    aws.check()
    name = aws.stack(HUB_STACK)
    found = _there(lambda: aws.client("cloudformation").describe_stacks(StackName=name))
    tags = found["Stacks"][0].get("Tags", []) if found else []
    return next((tag["Value"] for tag in tags if tag["Key"] == RELEASE_TAG), None)


def _there(ask: Callable[[], Any]) -> Any:
    """An answer, or None if there is no such stack."""
    from botocore.exceptions import ClientError

    try:
        return ask()
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        return None


def _resources(stack: str, template: dict[str, Any]) -> Objects:
    return {
        (stack, resource["Type"], name): _readable(
            {k: v for k, v in resource.items() if k not in IGNORED}
        )
        for name, resource in template.get("Resources", {}).items()
    }


def _readable(value: Any) -> Any:
    """Text that CloudFormation joins as one text, tags by their names."""
    match value:
        case {"Fn::Join": ["", [*parts]]}:
            return "".join(part if isinstance(part, str) else _reference(part) for part in parts)
        case dict():
            return {key: _readable(below) for key, below in value.items()}
        case [{"Key": _, "Value": _}, *_]:
            tags = {tag["Key"]: _readable(tag["Value"]) for tag in value}
            # Every resource has the release's tag: that it changes is no change of each.
            return {key: below for key, below in tags.items() if key != RELEASE_TAG}
        case list():
            return [_readable(item) for item in value]
    return value


def _reference(part: Any) -> str:
    """As `Fn::Sub` writes it."""
    match part:
        case {"Ref": str(name)}:
            return f"${{{name}}}"
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return f"${{{name}.{attribute}}}"
    return json.dumps(part).replace('"', "'")  # inside JSON, often


def _context(root: Path) -> dict[str, Any]:
    """The feature flags, which the CDK CLI hands over where it starts the app."""
    folder = root if (root / "cdk.json").is_file() else INSTALLATION
    context: dict[str, Any] = json.loads((folder / "cdk.json").read_bytes())["context"]
    # The functions' code is nobody's to read here.
    return context | {"aws:cdk:disable-asset-staging": True}
