"""The environments that the CDK app of a project is made of."""

import sys
from pathlib import Path

from slipway.model import Environment, InvalidProject, load
from slipway.release.code_check import environments_to_render


def environments_to_deploy(
    root: Path, *, only: str | None = None, allow_code_drift: str | bool | None = None
) -> list[Environment]:
    """The environments on AWS of the project at `root`, or the one that is called `only`.

    Those that are pinned to a release which this code may not render are left out; what somebody
    should know about the others is printed on standard error. Ends the program with exit code 2
    where the project's files are wrong or no environment is left.
    """
    try:
        project = load(root, only or None)
        environments, warnings = environments_to_render(
            root, project.environments(), allow_code_drift=str(allow_code_drift).lower() == "true"
        )
    except InvalidProject as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None
    for warning in warnings:
        print(warning, file=sys.stderr)
    return [environment for environment in environments if environment.spec.on_aws]
