"""Errors on the stacks of an environment that its account cannot deploy."""

import os
from pathlib import Path

from aws_cdk import Annotations, Stack, Stage

from slipway.model import Environment


def check_account(stage: Stage, environment: Environment, root: Path) -> None:
    """Ask the environment's account for what a deploy would fail on, and add each as an error to
    its stack: the CDK CLI refuses to deploy the stacks that have one, and no other.

    Nothing is asked without credentials, and nothing by commands that need no assets, as `cdk
    list` and `cdk destroy`. `root` is the folder of the project.
    """
    # The CLI sets it when it found credentials: without them it deploys nothing.
    if "CDK_DEFAULT_ACCOUNT" not in os.environ:
        return
    stacks = {
        stack.node.id: stack
        for stack in stage.node.children
        if isinstance(stack, Stack) and stack.bundling_required
    }
    if stacks:
        from slipway.operate.before_deploy import problems

        for name, problem in problems(root, environment, stacks):
            Annotations.of(stacks[name]).add_error(str(problem))
