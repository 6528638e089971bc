"""What would fail in a deploy, told before CloudFormation starts: for `app.py`.

Only where the CDK CLI deploys: `cdk list`, `synth` and `diff` ask AWS nothing.
See docs/decisions/0015-before-a-deploy.md.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from slipway.model import Environment, InvalidProject

CLI = ("cdk", "cdk.js")
STACKS = ("registry", "network", "data", "pipeline", "cluster", "hub", "observability")
WITH_THE_HUB = ("hub", "observability")
"""Stacks that are deployed with the hub or after it."""


def check(root: Path, environments: Iterable[Environment]) -> None:
    """Of the environments that the CDK CLI above us deploys. Raises InvalidProject."""
    # The CLI hands it over when it found credentials: without them it deploys nothing.
    if "CDK_DEFAULT_ACCOUNT" not in os.environ:
        return
    arguments = cdk_arguments()
    if "deploy" not in arguments:
        return
    from slipway.operate.checks_at_account import problems

    found = [
        problem
        for environment in environments
        if environment.spec.on_aws
        if (stacks := selected(environment.name, arguments))
        for problem in problems(
            root, environment, _profile(arguments), hub=bool({*WITH_THE_HUB} & stacks)
        )
    ]
    if found:
        raise InvalidProject(found)


def cdk_arguments() -> Sequence[str]:
    """What the CDK CLI that runs us was called with: it tells an app everything but this."""
    for command in _commands_above():
        for number, word in enumerate(command):
            if Path(word).name in CLI:
                return command[number + 1 :]
    return ()


def _commands_above() -> Iterator[list[str]]:
    # Only a deploy waits for it.
    import psutil

    for process in psutil.Process().parents():
        try:
            yield process.cmdline()
        except psutil.Error:
            continue


def selected(environment: str, arguments: Sequence[str]) -> set[str]:
    """The environment's stacks that these arguments of `cdk deploy` name."""
    return {
        stack
        for stack in STACKS
        if "--all" in arguments
        or any(fnmatchcase(f"{environment}/{stack}", pattern) for pattern in arguments)
    }


def _profile(arguments: Sequence[str]) -> str | None:
    for number, word in enumerate(arguments):
        name, equals, value = word.partition("=")
        if name == "--profile":
            return value if equals else next(iter(arguments[number + 1 :]), None)
    return None
