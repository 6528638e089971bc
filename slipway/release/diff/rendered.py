"""What is deployed of an environment, for comparing: rendered here, rendered by the code of another
commit in a process of its own, or as CloudFormation has it.

`python -m slipway.release.diff.rendered FOLDER ENVIRONMENT` is that other process.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

from slipway.facts import RELEASE_TAG, STACKS
from slipway.installation import INSTALLATION
from slipway.model import Environment, load
from slipway.release.diff.changes import Objects
from slipway.toolchain.node import use_pinned_node

if TYPE_CHECKING:
    from slipway.aws.account import AwsAccount

PACKAGES = (".", "packages/hub", "packages/notebook", "packages/datapath")
"""Folders of the Python packages that render, below a Slipway's own."""
KUBERNETES = "Custom::AWSCDK-EKS-KubernetesResource"
"""The type of the resources that hold Kubernetes objects."""
NOTES = "Metadata"
"""CDK's own notes on a resource."""
SECRET = "(secret)"  # noqa: S105 - what is shown in a secret's place


class CannotRender(Exception):  # noqa: N818 - as `CannotFreeze`
    """The other commit's code does not render the environment; the message is its last line."""


class RenderedEnvironment(NamedTuple):
    """Kubernetes objects, and CloudFormation's resources without them."""

    kubernetes: Objects
    cloudformation: Objects


def render(root: Path, environment: Environment | None) -> RenderedEnvironment:
    """By the code at hand, without asking AWS. Starts Node."""
    if environment is None or not environment.spec.has_cluster:
        return RenderedEnvironment({}, {})
    if environment.spec.on_aws:
        return _of_resources(synthesized(root, environment))
    from slipway.render import objects

    return RenderedEnvironment(_by_name(objects(environment)), {})


def deployed(aws: "AwsAccount") -> RenderedEnvironment:
    """What is on AWS. Raises StepError for another account, and botocore's errors."""
    from botocore.exceptions import ClientError

    from slipway.aws.account import is_missing

    aws.check()
    resources: dict[tuple[str, str, str], Any] = {}
    for stack in sorted(map(aws.stack, STACKS)):
        try:
            answer = aws.client("cloudformation").get_template(StackName=stack)
        except ClientError as error:
            if not is_missing(error):
                raise
            continue
        body: Any = answer["TemplateBody"]
        resources |= _resources(stack, json.loads(body) if isinstance(body, str) else body)
    return _of_resources(resources)


def _of_resources(resources: Objects) -> RenderedEnvironment:
    manifests: dict[str, list[Any]] = {}
    for (stack, kind, _), resource in resources.items():
        if kind == KUBERNETES:
            manifest = json.loads(resource["Properties"]["Manifest"])
            manifests.setdefault(stack, []).extend(manifest)
    others = {key: resource for key, resource in resources.items() if key[1] != KUBERNETES}
    return RenderedEnvironment(_by_name(manifests), others)


def _by_name(objects: dict[str, list[Any]]) -> Objects:
    """By chart or stack, kind and `namespace/name`."""
    return {
        (place, item["kind"], _full_name(item["metadata"])): without_secrets(item)
        for place, items in objects.items()
        for item in items
    }


def _full_name(metadata: dict[str, Any]) -> str:
    return "/".join(filter(None, [metadata.get("namespace"), metadata["name"]]))


def without_secrets(item: dict[str, Any]) -> dict[str, Any]:
    """What a Secret holds is shown to nobody."""
    if item["kind"] != "Secret":
        return item
    hidden = {
        part: dict.fromkeys(item[part], SECRET) for part in ("data", "stringData") if part in item
    }
    return item | hidden


def synthesized(root: Path, environment: Environment) -> Objects:
    """The resources by stack, type and logical id. Starts Node.

    https://docs.aws.amazon.com/cdk/v2/guide/deploy.html: an assembly's manifest.json.
    """
    use_pinned_node()
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
        assembly = Path(folder, f"assembly-{environment.name}")
        artifacts = json.loads((assembly / "manifest.json").read_bytes())["artifacts"].values()
        resources: dict[tuple[str, str, str], Any] = {}
        for artifact in artifacts:
            if artifact["type"] == "aws:cloudformation:stack":
                stack = artifact["properties"]
                template = json.loads((assembly / stack["templateFile"]).read_bytes())
                resources |= _resources(stack["stackName"], template)
        return resources


def _context(root: Path) -> dict[str, Any]:
    """The feature flags, which the CDK CLI hands over where it starts the app."""
    folder = root if (root / "cdk.json").is_file() else INSTALLATION
    context: dict[str, Any] = json.loads((folder / "cdk.json").read_bytes())["context"]
    # The functions' code is nobody's to read here.
    return context | {"aws:cdk:disable-asset-staging": True}


def _resources(stack: str, template: dict[str, Any]) -> Objects:
    return {
        (stack, resource["Type"], name): _readable(
            {key: value for key, value in resource.items() if key != NOTES}
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


def start(root: Path, folder: Path, name: str) -> subprocess.Popen[str]:
    """The code of the commit in `folder`, a project, at work beside this process."""
    # The commit's Slipway is as far from its project as this one is from this project.
    installation = folder / os.path.relpath(INSTALLATION, root.resolve())
    path = os.pathsep.join(str(installation / package) for package in PACKAGES)
    return subprocess.Popen(
        [sys.executable, "-m", __name__, folder, name],
        cwd=installation,
        env=os.environ | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def result(process: subprocess.Popen[str]) -> RenderedEnvironment:
    """Waits for it. Raises CannotRender."""
    printed, error = process.communicate()
    if process.returncode != 0:
        raise CannotRender((error.strip().splitlines() or ["it says nothing"])[-1])
    parts = json.loads(printed)
    return RenderedEnvironment(_objects(parts["kubernetes"]), _objects(parts["cloudformation"]))


def _objects(items: list[Any]) -> Objects:
    return {(place, kind, name): value for place, kind, name, value in items}


def _main(folder: str, name: str) -> None:
    root = Path(folder)
    parts = render(root, load(root, name).environment(name))._asdict()
    print(json.dumps({part: [[*k, v] for k, v in objs.items()] for part, objs in parts.items()}))


if __name__ == "__main__":
    _main(*sys.argv[1:])
