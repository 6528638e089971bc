"""The environments that the code at hand may render, and those of a project's CDK app."""

import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from slipway import facts
from slipway.model import Environment, InvalidProject, load
from slipway.release.code_check import check_code
from slipway.untrusted import printable


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
        print(printable(str(error)), file=sys.stderr)
        raise SystemExit(2) from None
    for warning in warnings:
        print(printable(warning), file=sys.stderr)
    return [environment for environment in environments if environment.spec.on_aws]


def environments_to_render(
    root: Path, environments: Iterable[Environment], *, allow_code_drift: bool = False
) -> tuple[list[Environment], list[str]]:
    """The environments that may be rendered by the code at hand, and warnings about all.

    With `allow_code_drift`, one that is not protected may be rendered by other code than its
    release's: its objects are then labelled as the working tree's. Environments that may not be
    rendered are left out. Raises InvalidProject if all are.
    """
    rendered: list[Environment] = []
    warnings: list[str] = []
    refused: list[InvalidProject] = []
    for environment in environments:
        try:
            check_code(root, environment)
        except InvalidProject as error:
            if not allow_code_drift:
                refused.append(error)
            elif environment.spec.protected:
                refused.append(_refused_as_protected(environment, error))
            else:
                rendered.append(_by_other_code(environment))
                warnings.append(
                    f"{error}; rendered nevertheless, as you allowed: nobody tested this"
                )
        else:
            rendered.append(environment)
            warnings += filter(None, [_mutable_tags_warning(environment)])
    if refused and not rendered:
        raise InvalidProject([problem for error in refused for problem in error.problems])
    return rendered, [*warnings, *(f"left out: {error}" for error in refused)]


def _refused_as_protected(environment: Environment, error: InvalidProject) -> InvalidProject:
    (problem,) = error.problems
    message = f"{problem.message}, and {environment.name} is protected: drift is never allowed here"
    return InvalidProject([replace(problem, message=message)])


def _by_other_code(environment: Environment) -> Environment:
    """With the release's content, but not under its name: no promotion takes it for the release."""
    assert environment.release
    release = environment.release.model_copy(update={"version": facts.WORKING_TREE})
    return replace(environment, release=release)


def _mutable_tags_warning(environment: Environment) -> str | None:
    """What somebody should know before an environment on AWS is rendered from the catalog."""
    if environment.release or not environment.spec.on_aws:
        return None
    images = (*facts.HUB_IMAGES, *environment.catalog.images)
    moving = [r for r in map(environment.image_reference, images) if "@" not in r]
    if not moving:
        return None
    return (
        f"{environment.name} follows the catalog: {len(moving)} images are pulled by tags that "
        f"move ({facts.WORKING_TREE}); `slipway release` pins them"
    )
